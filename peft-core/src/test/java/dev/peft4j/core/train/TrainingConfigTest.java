package dev.peft4j.core.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TrainingConfigTest {
    @Test
    void schedules_warm_up_and_end_where_transformers_ends() {
        assertEquals(0, Schedule.LINEAR.factor(0, 10, 50));
        assertEquals(0.5, Schedule.LINEAR.factor(5, 10, 50));
        assertEquals(1, Schedule.LINEAR.factor(10, 10, 50));
        assertEquals(0.5, Schedule.LINEAR.factor(30, 10, 50));
        assertEquals(0, Schedule.LINEAR.factor(50, 10, 50));
        assertEquals(0.5, Schedule.COSINE.factor(30, 10, 50), 1e-12);
        assertEquals(1, Schedule.CONSTANT.factor(49, 10, 50));
        assertEquals(1, Schedule.LINEAR.factor(0, 0, 50));
    }

    @Test
    void settings_out_of_range_are_refused_when_they_are_made() {
        assertThrows(IllegalArgumentException.class, () -> TrainingConfig.of(0, 4, 1e-3));
        assertThrows(IllegalArgumentException.class, () -> TrainingConfig.of(10, 0, 1e-3));
        assertThrows(IllegalArgumentException.class, () -> TrainingConfig.of(10, 4, 0));
        assertThrows(IllegalArgumentException.class, () -> TrainingConfig.of(10, 4, Double.NaN));
        assertThrows(IllegalArgumentException.class, () -> TrainingConfig.of(10, 4, 1e-3)
                .withEvaluation(0, 3));
    }

    private static TrainingConfig epochs(double epochs, int batch, int accumulation) {
        return TrainingConfig.builder()
                .epochs(epochs)
                .batchSize(batch)
                .accumulation(accumulation)
                .build();
    }

    /** As num_update_steps_per_epoch and max_steps of transformers' Trainer. */
    @ParameterizedTest
    @CsvSource({
        "17, 16, 4, 1, 1",
        "17, 2, 4, 2, 6",
        "17, 2, 1, 1, 9",
        "16, 16, 1, 3, 3",
        "100, 8, 1, 0.5, 7",
        "1, 16, 8, 0.01, 1",
        "2147483647, 1, 1, 1, 2147483647"
    })
    void an_epoch_has_as_many_steps_as_in_transformers(int records, int batch, int accumulation, double n, int steps) {
        assertEquals(steps, epochs(n, batch, accumulation).stepsFor(records));
    }

    @Test
    void the_warm_up_rounds_up() {
        assertEquals(2, TrainingConfig.of(11, 1, 1e-3).warmupSteps(11));
        assertEquals(1, TrainingConfig.of(10, 1, 1e-3).warmupSteps(10));
        assertEquals(1, TrainingConfig.of(1, 1, 1e-3).warmupSteps(1));
    }

    /** Each was taken at first, for 0 steps and an adapter that was never trained. */
    @Test
    void what_no_int_can_count_is_refused() {
        assertThrows(IllegalArgumentException.class, () -> epochs(Double.POSITIVE_INFINITY, 1, 1));
        assertThrows(IllegalArgumentException.class, () -> epochs(Double.NaN, 1, 1));
        assertThrows(IllegalArgumentException.class, () -> epochs(1, 65536, 65536));
        assertThrows(IllegalArgumentException.class, () -> epochs(1e12, 1, 1).stepsFor(17));
    }

    @Test
    void sgd_with_momentum_and_decay_follows_its_formula() {
        try (Parameter p = new Parameter("p", Tensor.of(DType.F32, 1, 2, 1, -2), 2);
                Sgd sgd = new Sgd(0.5, 0.1)) {
            p.grad().set(new float[] {0.5f, 1});
            sgd.step(Backend.host(), List.of(p), 0.1);
            // v = g + 0.1 p = (0.6, 0.8); p -= 0.1 v
            assertArrayEquals(new float[] {0.94f, -2.08f}, p.value().toFloats(), 1e-6f);
            p.zeroGrad();
            p.grad().set(new float[] {0, 0});
            sgd.step(Backend.host(), List.of(p), 0.1);
            // v = 0.5 v + 0.1 p = (0.394, 0.192)
            assertArrayEquals(new float[] {0.9006f, -2.0992f}, p.value().toFloats(), 1e-6f);
        }
    }

    /** {@code torch.optim.SGD(lr=0.1, momentum=0.5, nesterov=True, weight_decay=0.1)} of PyTorch 2.13 on the same three gradients. */
    @Test
    void nesterov_looks_ahead_as_in_pytorch() {
        float[][] gradients = {{0.5f, 1}, {0, 0}, {-0.25f, 0.5f}};
        float[][] expected = {{0.91f, -2.12f}, {0.88135f, -2.1082f}, {0.895855f, -2.156277f}};
        try (Parameter p = new Parameter("p", Tensor.of(DType.F32, 1, 2, 1, -2), 2);
                Sgd sgd = new Sgd(0.5, true, 0.1, any -> true)) {
            for (int i = 0; i < gradients.length; i++) {
                p.zeroGrad();
                p.grad().set(gradients[i]);
                sgd.step(Backend.host(), List.of(p), 0.1);
                assertArrayEquals(expected[i], p.value().toFloats(), 1e-6f);
            }
        }
    }

    @Test
    void clipping_scales_to_the_norm_and_leaves_small_gradients() {
        try (Parameter p = new Parameter("p", Tensor.of(DType.F32, 1, 2, 0, 0), 2)) {
            p.grad().set(new float[] {3, 4});
            assertEquals(5, Gradients.clip(Backend.host(), List.of(p), 10), 1e-6);
            assertArrayEquals(new float[] {3, 4}, p.grad().toFloats());
            assertEquals(5, Gradients.clip(Backend.host(), List.of(p), 1), 1e-6);
            assertArrayEquals(new float[] {0.6f, 0.8f}, p.grad().toFloats(), 1e-5f);
        }
    }

    /** Adding (f - 1) g gave 0 for such norms, and the squares of the last are infinite in single precision. */
    @ParameterizedTest
    @ValueSource(doubles = {1e3, 1e8, 1e15, 1e30})
    void clipping_scales_whatever_the_norm(double size) {
        try (Parameter p = new Parameter("p", Tensor.of(DType.F32, 1, 2, 0, 0), 2)) {
            p.grad().set(new float[] {(float) (0.6 * size), (float) (0.8 * size)});
            assertEquals(1, Gradients.clip(Backend.host(), List.of(p), 1) / size, 1e-6);
            assertArrayEquals(new float[] {0.6f, 0.8f}, p.grad().toFloats(), 1e-5f);
        }
    }
}
