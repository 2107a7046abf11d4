package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.adapters.bottleneck.BottleneckConfig;
import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.compose.MergedAdapter;
import dev.peft4j.core.compose.PeftModel;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.train.Evaluation;
import dev.peft4j.core.train.Evaluator;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.core.train.TrainingResult;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.prompt.PTuningConfig;
import dev.peft4j.prompt.PrefixTuningConfig;
import dev.peft4j.prompt.PromptTuningConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The same training, evaluation, composition and files over inputs that are not tokens. */
class ImagesTest {
    private static final int SIDE = 4;
    private static final int CLASSES = 3;

    @TempDir
    Path dir;

    /** Images of a class are bright in one of three places. */
    private static List<Example> images(int count, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        List<Example> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            float[] values = new float[SIDE * SIDE];
            for (int p = 0; p < values.length; p++) {
                values[p] = (float) random.nextGaussian(p / 5 == i % CLASSES ? 1 : 0, 0.4);
            }
            all.add(new ImageBatch.Image(values, 1, SIDE, SIDE, new Targets.Classes(new int[] {i % CLASSES})));
        }
        return all;
    }

    private static float[] logits(ToyImageModel model, List<Adapter> adapters) {
        try (Arena arena = new Arena(DType.F32);
                Pass pass = Pass.inference(model.backend(), arena)) {
            return model.logits(Call.of(pass, adapters), Batch.of(images(6, 9)))
                    .value()
                    .toFloats();
        }
    }

    private static Adapter create(PeftConfig config, ToyImageModel model) {
        return AdapterFiles.method(config.peftType()).create(config, model, 3);
    }

    @Test
    void a_model_of_images_trains_merges_and_saves() throws IOException {
        try (ToyImageModel model = new ToyImageModel(SIDE * SIDE, CLASSES);
                Adapter adapter = create(LoraConfig.of(4, 8).withModulesToSave(List.of("output")), model)) {
            TrainingConfig config = TrainingConfig.of(60, 8, 2e-2);
            List<Example> heldOut = images(60, 2);
            TrainingResult result = new Trainer(model, adapter, config, List.of()).train(images(90, 1), heldOut);
            Evaluation tuned = Evaluator.evaluate(model, List.of(adapter), heldOut);
            assertEquals(60, tuned.count());
            assertTrue(tuned.accuracy() > 0.9, tuned::toString);
            assertEquals(result.tuned(), tuned);
            float[] attached = logits(model, List.of(adapter));
            AdapterFiles.save(dir, model, adapter);
            try (Adapter back = AdapterFiles.load(dir, model);
                    MergedAdapter merged = MergedAdapter.of(model, List.of(adapter));
                    PeftModel peft = new PeftModel(model)) {
                assertArrayEquals(attached, logits(model, List.of(back)));
                assertArrayEquals(attached, logits(model, List.of(merged)), 1e-4f);
                peft.add("a", create(LoraConfig.of(2, 4), model));
                assertTrue(peft.merge("b", List.of("a"), Batch.of(images(3, 4))).largestDifference() < 1e-4);
            }
        }
    }

    @Test
    void methods_of_blocks_and_batches_of_tokens_are_refused() throws IOException {
        try (ToyImageModel model = new ToyImageModel(SIDE * SIDE, CLASSES)) {
            for (PeftConfig config : List.of(
                    PromptTuningConfig.of(3),
                    PrefixTuningConfig.of(3),
                    PTuningConfig.of(3, PTuningConfig.Encoder.MLP),
                    BottleneckConfig.houlsby(4))) {
                String message = assertThrows(IllegalArgumentException.class, () -> create(config, model))
                        .getMessage();
                assertTrue(message.contains(config.peftType()) && message.contains("LORA"), message);
            }
            try (Adapter adapter = create(LoraConfig.of(2, 4), model)) {
                Trainer trainer = new Trainer(model, adapter, TrainingConfig.of(1, 1, 1e-3), List.of());
                List<PackedBatch.Sequence> tokens = List.of(PackedBatch.Sequence.classified(new int[] {1}, 0));
                String message = assertThrows(IllegalArgumentException.class, () -> trainer.train(tokens, List.of()))
                        .getMessage();
                assertTrue(message.contains("reads images"), message);
            }
        }
    }
}
