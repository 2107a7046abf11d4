package dev.peft4j.lora;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.site.ConvSite;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.DenseWeight;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;

/** Norms of DoRA at a convolution of two groups, as PEFT 0.21.2 computes them for {@code nn.Conv2d(4, 6, 3, groups=2)}, r = 2, lora_alpha = 4. */
class GroupNormsTest {
    private static Tensor tensor(int rows, int cols, IntToDoubleFunction value) {
        Tensor t = Tensor.allocate(DType.F32, rows, cols);
        double[] values = new double[rows * cols];
        for (int i = 0; i < values.length; i++) {
            values[i] = value.applyAsDouble(i);
        }
        t.set(values);
        return t;
    }

    /** W.flatten() = sin(0), sin(1), ..., A.flatten() = cos(0), cos(1), ..., B.flatten() = 0.3 sin(0), 0.3 sin(2), ... */
    @Test
    void equal_those_of_peft() {
        ConvSite site = ConvSite.square("c", 4, 6, 3, 1, 0, 0, 2);
        try (Tensor weight = tensor(6, 18, Math::sin);
                Parameter a = new Parameter("a", tensor(2, 36, Math::cos), 2, 4, 3, 3);
                Parameter b = new Parameter("b", tensor(6, 1, i -> 0.3 * Math.sin(2 * i)), 6, 1, 1, 1);
                Arena arena = new Arena(DType.F32);
                Pass pass = Pass.inference(Backend.host(), arena)) {
            double[] expected = {21.035250, 20.485401, 19.637693, 19.687420, 21.023354, 22.162558};
            double[] squares = new GroupNorms(site, new DenseWeight(weight), a, b, 2)
                    .squares(pass)
                    .toDoubles();
            assertArrayEquals(expected, squares, 1e-4);
        }
    }
}
