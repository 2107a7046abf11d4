package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;

/** The trained ResNet-20 beside the logits and the accuracy that PyTorch has of it. */
class ResNetCifarTest {
    private static final int RECORD = 3073;
    private static final int PLANE = 1024;
    private static final double CLOSE = 1e-4;
    private static final int IMAGES = 2000;
    private static final int AT_ONCE = 100;
    private static final double[] MEAN = {0.485, 0.456, 0.406};
    private static final double[] DEVIATION = {0.229, 0.224, 0.225};

    private static ImageBatch.Image image(byte... record) {
        float[] values = new float[record.length - 1];
        for (int i = 0; i < values.length; i++) {
            int channel = i / PLANE;
            values[i] = (float) (((record[i + 1] & 0xff) / 255.0 - MEAN[channel]) / DEVIATION[channel]);
        }
        return new ImageBatch.Image(values, 3, 32, 32, new Targets.Classes(new int[] {record[0]}));
    }

    @Test
    void logits_and_accuracy_are_those_of_pytorch() throws IOException {
        Path directory = Shared.require("models/resnet20_cifar10");
        Path data = Shared.require("data/cifar10/test_2000.bin.gz");
        List<?> logits = (List<?>) Json.read(directory.resolve("golden.json")).get("logits");
        int right = 0;
        try (Model model = Models.load(directory);
                Arena arena = new Arena(model.backend().dtype());
                InputStream in = new GZIPInputStream(Files.newInputStream(data))) {
            assertEquals(269722, trained(model));
            for (int first = 0; first < IMAGES; first += AT_ONCE) {
                List<ImageBatch.Image> some = new ArrayList<>();
                for (int i = 0; i < AT_ONCE; i++) {
                    some.add(image(in.readNBytes(RECORD)));
                }
                ImageBatch batch = ImageBatch.of(some);
                try (Pass pass = Pass.inference(model.backend(), arena)) {
                    var found = model.logits(Call.of(pass), batch).value();
                    for (int i = 0; first == 0 && i < logits.size(); i++) {
                        List<?> row = (List<?>) logits.get(i);
                        for (int k = 0; k < row.size(); k++) {
                            assertEquals(((Number) row.get(k)).doubleValue(), found.get(i, k), CLOSE);
                        }
                    }
                    right += (int) model.head().right(model.backend(), found, batch.targets());
                }
            }
        }
        assertEquals(81.45, 100.0 * right / IMAGES, 1e-9);
    }

    private static long trained(Model model) {
        return model.tensorNames().stream()
                .filter(name -> !model.statistics().contains(name))
                .mapToLong(model::elements)
                .sum();
    }
}
