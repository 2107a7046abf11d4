package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.layer.LossFunction;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.train.OptimizerConfig;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.core.train.TrainingListener;
import dev.peft4j.core.train.TrainingResult;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.LoadOptions;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Other losses and other optimizers than the usual ones. */
class TrainerOptionsTest {
    private static final double SMOOTHING = 0.1;

    @TempDir
    Path dir;

    /** Cross entropy with smoothed labels: {@code -(1 - e) log p[class] - e · mean log p}. */
    private static double smoothed(Pass pass, Node logits, Targets targets, double scale) {
        int[] classes = ((Targets.Classes) targets).classes();
        Tensor z = logits.value();
        int n = z.cols();
        Tensor gradient = pass.allocate(z.rows(), n);
        double sum = 0;
        for (int r = 0; r < z.rows(); r++) {
            double[] p = new double[n];
            double most = Double.NEGATIVE_INFINITY;
            for (int c = 0; c < n; c++) {
                most = Math.max(most, z.get(r, c));
            }
            double total = 0;
            for (int c = 0; c < n; c++) {
                p[c] = Math.exp(z.get(r, c) - most);
                total += p[c];
            }
            for (int c = 0; c < n; c++) {
                double wanted = SMOOTHING / n + (c == classes[r] ? 1 - SMOOTHING : 0);
                sum -= wanted * (z.get(r, c) - most - Math.log(total));
                gradient.set(r, c, scale * (p[c] / total - wanted));
            }
        }
        if (pass.isRecording() && logits.isTracked()) {
            pass.addGrad(logits, gradient);
        }
        return sum;
    }

    private static List<PackedBatch.Sequence> records() {
        SplittableRandom random = new SplittableRandom(5);
        List<PackedBatch.Sequence> all = new ArrayList<>();
        for (int i = 0; i < 24; i++) {
            int[] ids = random.ints(3 + i % 5, 1, 30).toArray();
            all.add(PackedBatch.Sequence.labelled(ids, ids));
        }
        return all;
    }

    private static Adapter lora(Model model) {
        return Compositions.adapter(model, LoraConfig.of(4, 8), 3);
    }

    private static float[] values(Adapter adapter) {
        float[] all = {};
        for (Parameter p : adapter.parameters()) {
            float[] more = p.value().toFloats();
            int at = all.length;
            all = Arrays.copyOf(all, at + more.length);
            System.arraycopy(more, 0, all, at, more.length);
        }
        return all;
    }

    /** The parameters after a run. */
    private static float[] run(TrainingConfig config, LossFunction loss) throws IOException {
        try (Model model = Compositions.open("llama");
                Adapter adapter = lora(model)) {
            Trainer trainer = new Trainer(model, adapter, config, List.of());
            (loss == null ? trainer : trainer.withLoss("of a test", loss)).train(records(), List.of());
            return values(adapter);
        }
    }

    @Test
    void the_loss_of_the_head_given_as_a_function_makes_the_same_bits() throws IOException {
        TrainingConfig config = TrainingConfig.of(8, 4, 1e-2);
        float[] usual = run(config, null);
        try (Model model = Compositions.open("llama")) {
            assertArrayEquals(usual, run(config, model.head().loss()));
        }
        assertFalse(Arrays.equals(usual, run(config, TrainerOptionsTest::smoothed)));
    }

    @Test
    void a_loss_of_an_application_falls_and_the_evaluation_is_that_of_the_head() throws IOException {
        try (Model model = Compositions.open("llama");
                Adapter adapter = lora(model)) {
            List<Double> losses = new ArrayList<>();
            TrainingListener listener = new TrainingListener() {
                @Override
                public void onStep(int step, double loss, double rate, double norm, int tokens, double seconds) {
                    losses.add(loss);
                }
            };
            TrainingResult result = new Trainer(model, adapter, TrainingConfig.of(120, 24, 3e-2), List.of(listener))
                    .withLoss("smoothed", TrainerOptionsTest::smoothed)
                    .train(records(), records());
            assertTrue(losses.get(119) < 0.8 * losses.get(0), losses::toString);
            assertTrue(result.tuned().loss() < result.base().loss(), result::toString);
            assertTrue(losses.get(119) != result.tuned().loss());
        }
    }

    @Test
    void its_gradients_are_those_of_finite_differences() throws IOException {
        try (Backend backend = Backend.nd4j(DType.F64);
                Model model = Models.load(Methods.MODELS.resolve("llama"), LoadOptions.on(backend));
                Adapter adapter = lora(model);
                Arena arena = new Arena(DType.F64)) {
            PackedBatch batch = PackedBatch.of(records().subList(0, 4));
            try (Pass pass = Pass.differentiable(backend, arena)) {
                model.loss(Call.of(pass, adapter), batch, 0.3, TrainerOptionsTest::smoothed);
                pass.backward();
            }
            Parameter p = adapter.parameters().get(1);
            for (int c = 0; c < 3; c++) {
                double old = p.value().get(2, c);
                double step = 1e-5;
                p.value().set(2, c, old + step);
                double above = loss(model, adapter, arena, batch);
                p.value().set(2, c, old - step);
                double below = loss(model, adapter, arena, batch);
                p.value().set(2, c, old);
                assertEquals((above - below) / (2 * step) * 0.3, p.grad().get(2, c), 1e-7);
            }
        }
    }

    private static double loss(Model model, Adapter adapter, Arena arena, PackedBatch batch) {
        try (Pass pass = Pass.inference(model.backend(), arena)) {
            return model.loss(Call.of(pass, adapter), batch, 1, TrainerOptionsTest::smoothed)
                    .sum();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"sgd", "momentum", "nesterov", "adam", "decay all"})
    void a_run_with_another_optimizer_goes_on_to_the_same_bits(String name) throws IOException {
        TrainingConfig.Builder b = TrainingConfig.of(12, 4, 1e-2).toBuilder().weightDecay(0.1);
        TrainingConfig config =
                switch (name) {
                    case "sgd" ->
                        b.optimizer(new OptimizerConfig.GradientDescent(0)).build();
                    case "momentum" ->
                        b.optimizer(new OptimizerConfig.GradientDescent(0.9)).build();
                    case "nesterov" ->
                        b.optimizer(new OptimizerConfig.GradientDescent(0.9, true))
                                .build();
                    case "adam" ->
                        b.optimizer(new OptimizerConfig.Adam(0.8, 0.95, 1e-6)).build();
                    default -> b.decay(OptimizerConfig.Decay.ALL).build();
                };
        float[] whole = run(config, null);
        assertFalse(Arrays.equals(whole, run(TrainingConfig.of(12, 4, 1e-2), null)));
        Path file = dir.resolve("state.safetensors");
        try (Model model = Compositions.open("llama");
                Adapter adapter = lora(model)) {
            Trainer[] stopped = new Trainer[1];
            TrainingListener stop = new TrainingListener() {
                @Override
                public void onStep(int step, double loss, double rate, double norm, int tokens, double seconds) {
                    if (step == 5) {
                        stopped[0].stop();
                    }
                }
            };
            stopped[0] = new Trainer(model, adapter, config, List.of(stop)).keepState(file);
            assertTrue(stopped[0].train(records(), List.of()).interrupted());
        }
        try (Model model = Compositions.open("llama");
                Adapter adapter = lora(model)) {
            new Trainer(model, adapter, config, List.of()).resume(file).train(records(), List.of());
            assertArrayEquals(whole, values(adapter));
            Trainer other = new Trainer(
                            model,
                            adapter,
                            config.toBuilder()
                                    .optimizer(new OptimizerConfig.Adam(0.5, 0.5, 1e-3))
                                    .build(),
                            List.of())
                    .resume(file);
            String message = assertThrows(IllegalArgumentException.class, () -> other.train(records(), List.of()))
                    .getMessage();
            assertTrue(message.contains("optimizer"), message);
        }
    }

    @Test
    void constants_out_of_range_are_refused() {
        assertThrows(IllegalArgumentException.class, () -> new OptimizerConfig.Adam(1, 0.9, 1e-8));
        assertThrows(IllegalArgumentException.class, () -> new OptimizerConfig.Adam(0.9, 0.999, 0));
        assertThrows(IllegalArgumentException.class, () -> new OptimizerConfig.GradientDescent(-0.1));
        assertThrows(IllegalArgumentException.class, () -> new OptimizerConfig.GradientDescent(0, true));
    }
}
