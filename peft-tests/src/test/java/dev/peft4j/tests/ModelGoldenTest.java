package dev.peft4j.tests;

import static org.junit.jupiter.api.Assumptions.abort;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.FullFineTuning;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.format.SafetensorsFile;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.models.LoadOptions;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every number that PyTorch, transformers and PEFT computed for a model, its fine-tuning and its LoRA adapters. */
class ModelGoldenTest {
    private static final String OLDER = "adapter_v4"; // the same, whose modules have the names of transformers 4

    static Stream<GoldenCase> cases() throws IOException {
        return GoldenCase.all();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void equals_pytorch(GoldenCase golden) throws IOException {
        if (golden.taskType() == null) {
            abort("no model of task " + golden.task() + " yet");
        }
        try (Model model = open(golden);
                SafetensorsFile file = golden.tensors()) {
            switch (golden.method()) {
                case "base" -> {
                    GoldenChecks.checkForward(golden, file, model, List.of());
                    GoldenChecks.checkHidden(golden, file, model);
                    GoldenChecks.checkBaseGradients(golden, file, model);
                    GoldenChecks.checkGeneration(golden, model, List.of());
                }
                case "full_finetune_batch_stats" -> ImageGolden.checkBatchStatistics(golden, file, model);
                case "transfer_head" -> ImageGolden.checkHead(golden, file, model);
                case "full_finetune" -> {
                    try (Adapter all = new FullFineTuning(model)) {
                        GoldenChecks.checkGradients(golden, file, model, all, golden.any(), "grad.", "");
                        GoldenChecks.checkTraining(golden, file, model, all, "");
                    }
                }
                case "two_active", "disable", "mixed_batch", "add_weighted_adapter" ->
                    CompositionGolden.check(golden, file, model);
                case "adalora" -> AdaLoraGolden.check(golden, file, model);
                case "lora_pissa", "lora_olora" -> ResidualGolden.check(golden, file, model);
                default -> {
                    checkAdapter(golden, file, model, "adapter");
                    if (Files.isDirectory(golden.directory().resolve(OLDER))) {
                        checkAdapter(golden, file, model, OLDER);
                    }
                }
            }
        }
    }

    private static Model open(GoldenCase golden) throws IOException {
        try {
            return Models.load(
                    golden.modelDirectory(),
                    LoadOptions.on(EmulatedEngine.without(Backend.host()))
                            .withTask(Objects.requireNonNull(golden.taskType())));
        } catch (BadFileException e) {
            if (String.valueOf(e.getMessage()).contains("model_type is ")) {
                abort("no such model family yet: " + e.getMessage());
            }
            throw e;
        }
    }

    private static void checkAdapter(GoldenCase golden, SafetensorsFile file, Model model, String folder)
            throws IOException {
        try (Adapter adapter = AdapterFiles.load(golden.directory().resolve(folder), model)) {
            GoldenChecks.checkForward(golden, file, model, List.of(adapter));
            GoldenChecks.checkGradients(golden, file, model, adapter, golden.any(), "grad.", GoldenChecks.PREFIX);
            GoldenChecks.checkMerged(golden, file, model, adapter);
            GoldenChecks.checkGeneration(golden, model, List.of(adapter));
            EncoderGolden.check(golden, file, model, adapter);
            if (golden.method().equals("gradient_clipping")) {
                GoldenChecks.checkClipping(golden, file, model, adapter, GoldenChecks.PREFIX);
            } else if (golden.method().equals("gradient_accumulation")) {
                GoldenChecks.checkAccumulation(golden, file, model, adapter, GoldenChecks.PREFIX);
            }
            GoldenChecks.checkTraining(golden, file, model, adapter, GoldenChecks.PREFIX);
        }
    }
}
