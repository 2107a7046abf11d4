package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.compose.MergedModel;
import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.format.SafetensorsWriter;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.LoadOptions;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Models of images with adapters that were trained and written here, and merged ones, opened by Hugging Face PEFT and transformers: no warning, no tensor missing, the
 * same logits. Needs the Python environment of {@code scripts/python-env}.
 */
class PeftImagesTest {
    private static final double TOLERANCE = 1e-5;
    private static final int IMAGES = 6;

    @TempDir
    Path dir;

    /** Every method that acts at convolutions and is in PEFT, on networks that transformers has. */
    @ParameterizedTest
    @ValueSource(strings = {"resnet_small", "efficientnet_small"})
    void peft_opens_adapters_of_convolutions_and_transformers_what_they_are_merged_to(String name)
            throws IOException, InterruptedException {
        PeftChecker checker = PeftChecker.require();
        List<String> lines = new ArrayList<>();
        for (Map.Entry<String, PeftConfig> method :
                ConvMethodsTest.atConvolutions(name).entrySet()) {
            if (!method.getKey().equals("BitFit")) { // PEFT has none
                lines.addAll(written(name, method.getKey(), inPeft(name, method.getValue()), images(3, 23, 21)));
            }
        }
        assertTrue(lines.size() >= 12, lines.size() + " adapters and models");
        checker.check(dir, lines);
    }

    @Test
    void peft_opens_adapters_of_vit() throws IOException, InterruptedException {
        PeftChecker checker = PeftChecker.require();
        List<ImageBatch.Image> images = images(1, 15, 12);
        List<String> lines = new ArrayList<>(written("vit_small", "LoRA", LoraConfig.of(2, 4), images));
        lines.addAll(written("vit_small", "DoRA", LoraConfig.of(2, 4).withDora(), images));
        checker.check(dir, lines);
    }

    /** PEFT 0.21.2 has no LoRA for the class of EfficientNet's depthwise convolutions. */
    private static PeftConfig inPeft(String model, PeftConfig config) {
        return model.startsWith("efficientnet") && config instanceof LoraConfig lora
                ? lora.withTarget(TargetModules.of("expand_conv", "project_conv", "reduce"))
                        .withPatterns(Map.of(), Map.of())
                : config;
    }

    private static List<ImageBatch.Image> images(int channels, int height, int width) {
        SplittableRandom random = new SplittableRandom(9);
        List<ImageBatch.Image> all = new ArrayList<>();
        for (int i = 0; i < IMAGES; i++) {
            float[] values = new float[channels * height * width];
            for (int p = 0; p < values.length; p++) {
                values[p] = (float) random.nextGaussian(i % 3 - 1, 1);
            }
            all.add(new ImageBatch.Image(values, channels, height, width, new Targets.Classes(new int[] {i % 3})));
        }
        return all;
    }

    /** Trains an adapter, writes it, and merges it unless at groups of channels; gives the lines for the checker. */
    private List<String> written(String name, String method, PeftConfig config, List<ImageBatch.Image> images)
            throws IOException {
        Path base = Methods.MODELS.resolve(name);
        Path out = dir.resolve(name + "-" + method.replace(' ', '_'));
        Path merged = dir.resolve(out.getFileName() + "-merged");
        Path pixels = dir.resolve(name + "-pixels.safetensors");
        Path logits = dir.resolve(out.getFileName() + ".safetensors");
        try (Model model = Models.load(base, LoadOptions.on(Backend.host()));
                Adapter adapter = AdapterFiles.method(config.peftType()).create(config, model, 5)) {
            new Trainer(model, adapter, TrainingConfig.of(5, 3, 2e-2), List.of()).train(images, List.of());
            AdapterFiles.save(out, model, adapter);
            if (!name.startsWith("efficientnet")) {
                MergedModel.write(merged, model, adapter);
            }
            writePixels(pixels, images);
            try (Arena arena = new Arena(DType.F32);
                    Pass pass = Pass.inference(model.backend(), arena)) {
                Tensor rows = model.logits(Call.of(pass, adapter), ImageBatch.of(images))
                        .value();
                SafetensorsWriter writer = new SafetensorsWriter();
                for (int i = 0; i < images.size(); i++) {
                    writer.add("logits." + i, rows.rows(i, 1), rows.cols());
                }
                writer.write(logits);
            }
        }
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("pixels", pixels.toString());
        line.put("logits", logits.toString());
        line.put("tol", TOLERANCE);
        line.put("model", merged.toString());
        String ofMerged = Json.printLine(line);
        line.put("model", base.toAbsolutePath().toString());
        line.put("adapter", out.toString());
        String ofAdapter = Json.printLine(line);
        return Files.exists(merged) ? List.of(ofAdapter, ofMerged) : List.of(ofAdapter);
    }

    /** As the checker reads them. */
    static void writePixels(Path file, List<ImageBatch.Image> images) throws IOException {
        ImageBatch.Image first = images.get(0);
        int size = first.values().length;
        float[] all = new float[images.size() * size];
        for (int i = 0; i < images.size(); i++) {
            System.arraycopy(images.get(i).values(), 0, all, i * size, size);
        }
        try (Tensor rows = Tensor.of(DType.F32, images.size(), size, all)) {
            new SafetensorsWriter()
                    .add("pixel_values", rows, images.size(), first.channels(), first.height(), first.width())
                    .write(file);
        }
    }
}
