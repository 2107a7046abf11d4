package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.train.Evaluator;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.CausalModel;
import dev.peft4j.models.LoadOptions;
import dev.peft4j.models.Models;
import dev.peft4j.models.TextGenerator;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A head of another task on the backbone of a checkpoint. */
class SequenceHeadTest {
    @TempDir
    Path dir;

    private static LoadOptions classifier(int classes) {
        return LoadOptions.on(Backend.host()).withTask(TaskType.SEQ_CLS).withOutputs(classes);
    }

    /** Sequences whose last token says the class. */
    private static List<PackedBatch.Sequence> records(int count, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        List<PackedBatch.Sequence> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int[] ids = random.ints(2 + random.nextInt(5), 1, 30).toArray();
            ids[ids.length - 1] = 40 + i % 3;
            all.add(PackedBatch.Sequence.classified(ids, i % 3));
        }
        return all;
    }

    private static float[] logits(Model model, List<Adapter> adapters, PackedBatch batch) {
        try (Arena arena = new Arena(DType.F32);
                Pass pass = Pass.inference(model.backend(), arena)) {
            return model.logits(Call.of(pass, adapters), batch).value().toFloats();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "llama"})
    void a_language_model_becomes_a_classifier(String family) throws IOException {
        try (Model model = Models.load(Methods.MODELS.resolve(family), classifier(3));
                Adapter adapter = AdapterFiles.method("LORA").create(LoraConfig.of(8, 16), model, 1)) {
            assertEquals(List.of("score"), model.newModules());
            assertEquals(List.of("score"), model.taskModules());
            new Trainer(model, adapter, TrainingConfig.of(150, 12, 2e-2), List.of()).train(records(120, 1), List.of());
            double accuracy =
                    Evaluator.evaluate(model, List.of(adapter), records(60, 2)).accuracy();
            assertTrue(accuracy > 0.9, () -> "accuracy " + accuracy);
            PackedBatch batch = PackedBatch.of(records(5, 3));
            float[] before = logits(model, List.of(adapter), batch);
            AdapterFiles.save(dir, model, adapter);
            try (Model again = Models.load(
                            Methods.MODELS.resolve(family), classifier(3).withSeed(9));
                    Adapter back = AdapterFiles.load(dir, again)) {
                assertArrayEquals(before, logits(again, List.of(back), batch)); // the head is in the file
            }
        }
    }

    @Test
    void padding_at_the_end_does_not_count() throws IOException {
        Path directory = Shared.require("golden/models/llama_seqcls");
        try (Model model = Models.load(directory, LoadOptions.on(Backend.host()))) {
            assertEquals(TaskType.SEQ_CLS, model.taskType());
            float[] plain = logits(model, List.of(), PackedBatch.of(new int[] {5, 9, 2}));
            assertArrayEquals(plain, logits(model, List.of(), PackedBatch.of(new int[] {5, 9, 2, 0, 0})), 1e-5f);
            assertEquals(3, logits(model, List.of(), PackedBatch.of(new int[] {0})).length);
            String message = assertThrows(
                            IllegalArgumentException.class, () -> new TextGenerator((CausalModel) model, List.of()))
                    .getMessage();
            assertTrue(message.contains("SEQ_CLS"), message);
        }
    }

    @Test
    void a_task_that_a_family_does_not_serve_is_refused() {
        String message = assertThrows(
                        BadFileException.class,
                        () -> Models.load(
                                Methods.MODELS.resolve("bert"),
                                LoadOptions.on(Backend.host()).withTask(TaskType.CAUSAL_LM)))
                .getMessage();
        assertTrue(message.contains("CAUSAL_LM") && message.contains("[SEQ_CLS, TOKEN_CLS"), message);
    }
}
