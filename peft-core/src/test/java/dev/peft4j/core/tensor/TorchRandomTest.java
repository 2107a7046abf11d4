package dev.peft4j.core.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

/**
 * Numbers of torch 2.13.0 on a CPU.
 *
 * <pre>
 * for n in (5, 16, 17, 40):
 *     torch.manual_seed(3); w = torch.nn.Embedding(1, n).weight[0]; print(n, w[:4].tolist(), w[-2:].tolist())
 * torch.manual_seed(3); torch.nn.Embedding(2, 5); l = torch.nn.Linear(5, 3)
 * print(l.weight.flatten()[:2].tolist(), l.bias.tolist(), torch.randint(0, 512, (5,)).tolist(), torch.randn(3).tolist(), torch.rand(2).tolist())
 * </pre>
 */
class TorchRandomTest {
    private static float[] normal(TorchRandom random, int rows, int cols) {
        try (Tensor t = Tensor.allocate(DType.F32, rows, cols)) {
            random.normal(t);
            return t.toFloats();
        }
    }

    private static float[] uniform(TorchRandom random, int rows, int cols, double bound) {
        try (Tensor t = Tensor.allocate(DType.F32, rows, cols)) {
            random.uniform(t, -bound, bound);
            return t.toFloats();
        }
    }

    private static void check(int n, float[] first, float[] last) {
        float[] found = normal(new TorchRandom(3), 1, n);
        assertArrayEquals(first, Arrays.copyOf(found, 4), 1e-6f, n + " numbers");
        assertArrayEquals(last, Arrays.copyOfRange(found, n - 2, n), 1e-6f, n + " numbers");
    }

    @Test
    void normal_numbers_are_those_of_torch() {
        check(5, new float[] {0.803276f, 0.174833f, 0.088978f, -0.613718f}, new float[] {-0.613718f, 0.046182f});
        float[] first = {-0.076644f, 0.359882f, -0.782017f, 0.071528f};
        check(16, first, new float[] {0.573985f, 0.416331f});
        check(17, new float[] {-0.076644f, 0.931124f, -0.514462f, -1.651665f}, new float[] {-0.146808f, 0.485114f});
        check(40, first, new float[] {-0.528988f, -0.689474f});
    }

    @Test
    void numbers_of_all_kinds_come_from_one_sequence() {
        TorchRandom random = new TorchRandom(3);
        normal(random, 2, 5);
        float[] weight = uniform(random, 3, 5, 1 / Math.sqrt(5));
        assertArrayEquals(new float[] {0.132653f, -0.255128f}, Arrays.copyOf(weight, 2), 1e-6f);
        float[] bias = uniform(random, 1, 3, 1 / Math.sqrt(5));
        assertArrayEquals(new float[] {-0.220067f, -0.117505f, -0.443346f}, bias, 1e-6f);
        for (int expected : new int[] {110, 97, 413, 106, 152}) {
            assertEquals(expected, random.below(512));
        }
        assertArrayEquals(new float[] {-0.217918f, 0.163184f, 1.507384f}, normal(random, 1, 3), 1e-6f);
    }
}
