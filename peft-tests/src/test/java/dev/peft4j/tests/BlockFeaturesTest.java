package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.FeatureBatch;
import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.model.FeatureReader;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.train.TensorChoice;
import dev.peft4j.models.LoadOptions;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** What is read of a block is all of its rows, in the last one too, of which a model needs some only. */
class BlockFeaturesTest {
    private static final Path MODELS = Shared.root().resolve("peft-tests/src/test/resources/golden/models");

    private static final int HEIGHT = 15;
    private static final int WIDTH = 12;

    @TestFactory
    Stream<DynamicTest> every_block_tells_a_row_of_each_token() throws IOException {
        List<Path> models;
        try (Stream<Path> all = Files.list(MODELS)) {
            models = all.filter(m -> Files.exists(m.resolve("model.safetensors")) && hasTokens(m))
                    .sorted()
                    .toList();
        }
        assertTrue(models.size() > 20, models.toString());
        return models.stream().map(m -> dynamicTest(String.valueOf(m.getFileName()), () -> rowsOfBlocks(m)));
    }

    /** Blocks of a network of convolutions have as many rows as there are pixels left. */
    private static boolean hasTokens(Path model) {
        return !String.valueOf(model.getFileName()).matches("(resnet|vgg|efficientnet).*");
    }

    private static void rowsOfBlocks(Path directory) throws IOException {
        try (Model model = Models.load(directory, LoadOptions.defaults())) {
            boolean images = model.taskType() == TaskType.IMAGE_CLS;
            List<Example> records = images ? pictures(2) : StrategiesTest.sentences(4);
            List<FeatureBatch.Features> first = read(model, model.blocks().get(0), records);
            for (String block : model.blocks()) {
                List<FeatureBatch.Features> found = read(model, block, records);
                for (int i = 0; i < records.size(); i++) {
                    int rows = first.get(i).length();
                    assertEquals(rows, found.get(i).length(), block);
                    assertTrue(images ? rows > 2 : rows == records.get(i).length(), block + ": " + rows);
                }
            }
        }
    }

    /** Of the one size that the models have positions for. */
    private static List<Example> pictures(int count) {
        List<Example> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            float[] values = new float[HEIGHT * WIDTH];
            for (int p = 0; p < values.length; p++) {
                values[p] = (p * 7 + i * 5) % 11 - 5f;
            }
            all.add(new ImageBatch.Image(values, 1, HEIGHT, WIDTH, new Targets.Classes(new int[] {i % 3})));
        }
        return all;
    }

    private static List<FeatureBatch.Features> read(Model model, String layer, List<Example> records) {
        return FeatureReader.ofOutput(model, List.of(), layer, FeatureReader.Rows.ALL)
                .read(records);
    }

    /** What a layer behind a block reads is what the block has told. */
    @Test
    void the_last_norm_of_a_vit_reads_the_last_block() throws IOException {
        try (Model model = StrategiesTest.open("vit_small")) {
            List<Example> records = pictures(3);
            String last = model.blocks().get(model.blocks().size() - 1);
            List<FeatureBatch.Features> told = read(model, last, records);
            String norm = model.normSites().get(model.normSites().size() - 1).name();
            List<FeatureBatch.Features> read =
                    FeatureReader.ofInput(model, List.of(), norm).read(records);
            for (int i = 0; i < records.size(); i++) {
                assertTrue(Arrays.equals(told.get(i).values(), read.get(i).values()), norm);
            }
        }
    }

    @Test
    void a_pattern_that_would_look_for_ever_is_stopped() throws IOException {
        try (Model model = StrategiesTest.open("vit_small")) {
            TensorChoice endless = new TensorChoice.Named("(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)#");
            String message = assertThrows(BadInputException.class, () -> endless.tensors(model))
                    .getMessage();
            assertTrue(message.contains("had not come to an end"), message);
            TensorChoice none = new TensorChoice.Named("zz");
            message = assertThrows(BadInputException.class, () -> none.tensors(model))
                    .getMessage();
            assertTrue(!message.contains("Did you mean 0"), message);
        }
    }
}
