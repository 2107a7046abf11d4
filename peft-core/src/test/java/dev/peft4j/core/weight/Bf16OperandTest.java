package dev.peft4j.core.weight;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotSame;

import dev.peft4j.core.SettledMemory;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.EmulatedBf16;
import dev.peft4j.core.tensor.Tensor;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Weights that products of 16 bits read in place: the same numbers in another order, and what becomes of products with them. */
@ExtendWith(SettledMemory.Each.class)
class Bf16OperandTest {
    @Test
    void its_numbers_are_those_of_the_other_form() {
        Random random = new Random(3);
        for (int cols : new int[] {1, 2, 7, 64}) {
            try (Tensor dense = random(random, 11, cols);
                    FrozenWeight w = new Bf16Operand(dense);
                    FrozenWeight other = Bf16Weight.of(dense);
                    Arena arena = new Arena(DType.F32);
                    Pass pass = Pass.inference(Backend.host(), arena)) {
                assertArrayEquals(other.toDoubles(), w.toDoubles());
                assertEquals(other.bytes(), w.bytes());
                int[] ids = {10, 0, 10};
                Tensor rows = pass.allocate(3, cols);
                Tensor expected = pass.allocate(3, cols);
                w.gatherRows(pass, ids, rows);
                other.gatherRows(pass, ids, expected);
                assertArrayEquals(expected.toFloats(), rows.toFloats());
            }
        }
    }

    @Test
    void it_is_chosen_for_a_backend_that_multiplies_it() {
        Backend sixteen = EmulatedBf16.backend();
        Tensor dense = Tensor.of(DType.F32, 1, 2, 1, 2);
        try (FrozenWeight w = WeightFormat.bf16().on(sixteen).keep(dense, "F32")) {
            assertInstanceOf(Bf16Operand.class, w);
            assertNotSame(sixteen.matrices(), w.products(sixteen));
        }
        try (FrozenWeight w = WeightFormat.stored().on(sixteen).keep(Tensor.of(DType.F32, 1, 2, 1, 2), "F16")) {
            assertInstanceOf(F16Weight.class, w, "half precision has more digits");
        }
        try (FrozenWeight w = WeightFormat.stored().on(sixteen).keep(Tensor.of(DType.F32, 1, 2, 1, 2), "F32")) {
            assertInstanceOf(DenseWeight.class, w);
        }
    }

    @Test
    void products_are_those_of_rounded_operands() {
        Backend sixteen = EmulatedBf16.backend();
        Random random = new Random(4);
        try (Tensor dense = random(random, 33, 21);
                FrozenWeight w = new Bf16Operand(dense);
                Arena arena = new Arena(DType.F32);
                Pass pass = Pass.inference(sixteen, arena);
                Tensor x = random(random, 5, 21);
                Tensor dy = random(random, 5, 33)) {
            Tensor y = pass.allocate(5, 33);
            Tensor dx = pass.allocate(5, 21);
            w.multiply(pass, x, 0, y);
            w.multiplyTransposed(pass, dy, 0, dx);
            double[] weight = w.toDoubles();
            double[] xs = rounded(x);
            double[] dys = rounded(dy);
            for (int t = 0; t < 5; t++) {
                for (int o = 0; o < 33; o++) {
                    double sum = 0;
                    for (int i = 0; i < 21; i++) {
                        sum += xs[t * 21 + i] * weight[o * 21 + i];
                    }
                    assertEquals(sum, y.get(t, o), 1e-5);
                }
                for (int i = 0; i < 21; i++) {
                    double sum = 0;
                    for (int o = 0; o < 33; o++) {
                        sum += dys[t * 33 + o] * weight[o * 21 + i];
                    }
                    assertEquals(sum, dx.get(t, i), 1e-5);
                }
            }
        }
    }

    private static double[] rounded(Tensor t) {
        try (FrozenWeight w = Bf16Weight.of(t)) {
            return w.toDoubles();
        }
    }

    private static Tensor random(Random random, int rows, int cols) {
        float[] values = new float[rows * cols];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return Tensor.of(DType.F32, rows, cols, values);
    }
}
