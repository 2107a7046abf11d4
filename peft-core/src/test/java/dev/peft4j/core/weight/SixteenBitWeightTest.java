package dev.peft4j.core.weight;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.SettledMemory;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Weights of 16 bits. */
@ExtendWith(SettledMemory.Each.class)
class SixteenBitWeightTest {
    private static final int ALL = 1 << 16;

    /** Every number of 16 bits that is finite, as single precision. */
    private static float[] all(boolean bf16) {
        float[] values = new float[ALL];
        for (int bits = 0; bits < ALL; bits++) {
            float v = bf16 ? Float.intBitsToFloat(bits << 16) : half(bits);
            values[bits] = Float.isFinite(v) ? v : 0;
        }
        return values;
    }

    /** By the definition: sign · 2^(exponent - 15) · 1.fraction, or 2^-14 · 0.fraction. */
    private static float half(int bits) {
        int exponent = (bits >> 10) & 31;
        double fraction = (bits & 1023) / 1024.0;
        double v = exponent == 0 ? Math.scalb(fraction, -14) : Math.scalb(1 + fraction, exponent - 15);
        v = exponent == 31 ? Double.NaN : v;
        return (float) ((bits & 0x8000) == 0 ? v : -v);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void every_number_is_kept_to_the_bit(boolean bf16) {
        for (int cols : new int[] {256, 255, 1, 2}) {
            int rows = ALL / cols;
            float[] values = java.util.Arrays.copyOf(all(bf16), rows * cols);
            try (Tensor dense = Tensor.of(DType.F32, rows, cols, values);
                    FrozenWeight w = bf16 ? Bf16Weight.of(dense) : F16Weight.of(dense);
                    Tensor single = w.copy(DType.F32);
                    Tensor twice = w.copy(DType.F64)) {
                float[] read = single.toFloats();
                double[] doubles = twice.toDoubles();
                for (int i = 0; i < values.length; i++) {
                    int expected = Float.floatToRawIntBits(values[i]);
                    assertEquals(expected, Float.floatToRawIntBits(read[i]), () -> "bits " + expected);
                    assertEquals(values[i], doubles[i]);
                }
                assertTrue(w.bytes() <= 2L * rows * (cols + 1));
            }
        }
    }

    @Test
    void single_precision_is_rounded_to_the_nearest_even_bfloat16() {
        float one = 1;
        float next = Float.intBitsToFloat(0x3f810000);
        float between = Float.intBitsToFloat(0x3f808000);
        float above = Float.intBitsToFloat(0x3f808001);
        float odd = Float.intBitsToFloat(0x3f818000); // between 0x3f81 and 0x3f82
        try (Tensor dense = Tensor.of(DType.F32, 1, 5, one, between, above, odd, -between);
                FrozenWeight w = Bf16Weight.of(dense);
                Tensor read = w.copy(DType.F32)) {
            assertArrayEquals(new float[] {one, one, next, Float.intBitsToFloat(0x3f820000), -one}, read.toFloats());
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void products_and_lookups_are_those_of_the_decoded_matrix(boolean bf16) {
        Backend host = Backend.host();
        SplittableRandom random = new SplittableRandom(7);
        for (int[] size : new int[][] {{3, 5, 4}, {700, 1031, 9}, {1500, 768, 1}}) {
            float[] values = new float[size[0] * size[1]];
            for (int i = 0; i < values.length; i++) {
                values[i] = bf16
                        ? Float.intBitsToFloat(random.nextInt(0x3f00, 0x3f80) << 16)
                        : half(random.nextInt(0x3c00));
            }
            try (Tensor dense = Tensor.of(DType.F32, size[0], size[1], values);
                    FrozenWeight w = bf16 ? Bf16Weight.of(dense) : F16Weight.of(dense);
                    FrozenWeight plain = new DenseWeight(dense);
                    Arena arena = new Arena(DType.F32);
                    Pass pass = Pass.inference(host, arena)) {
                Tensor x = filled(pass, size[2], size[1], random);
                Tensor dy = filled(pass, size[2], size[0], random);
                Tensor y = filled(pass, size[2], size[0], random);
                Tensor dx = filled(pass, size[2], size[1], random);
                Tensor expectedY = pass.allocate(size[2], size[0]);
                Tensor expectedDx = pass.allocate(size[2], size[1]);
                expectedY.copyFrom(y);
                expectedDx.copyFrom(dx);
                w.multiply(pass, x, 1, y);
                plain.multiply(pass, x, 1, expectedY);
                assertArrayEquals(expectedY.toFloats(), y.toFloats(), 2e-3f);
                w.multiplyTransposed(pass, dy, 1, dx);
                plain.multiplyTransposed(pass, dy, 1, expectedDx);
                assertArrayEquals(expectedDx.toFloats(), dx.toFloats(), 2e-3f);
                int[] ids = {0, size[0] - 1, 1};
                Tensor rows = pass.allocate(3, size[1]);
                Tensor expectedRows = pass.allocate(3, size[1]);
                w.gatherRows(pass, ids, rows);
                plain.gatherRows(pass, ids, expectedRows);
                assertArrayEquals(expectedRows.toFloats(), rows.toFloats());
                assertArrayEquals(plain.toDoubles(), w.toDoubles());
            }
        }
    }

    private static Tensor filled(Pass pass, int rows, int cols, SplittableRandom random) {
        Tensor t = pass.allocate(rows, cols);
        float[] values = new float[rows * cols];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextDouble(-1, 1);
        }
        t.set(values);
        return t;
    }

    @Test
    void formats_keep_what_they_say() {
        try (FrozenWeight a = WeightFormat.stored().keep(ones(), "BF16");
                FrozenWeight b = WeightFormat.stored().keep(ones(), "F16");
                FrozenWeight c = WeightFormat.stored().keep(ones(), "F32");
                FrozenWeight d = WeightFormat.full().keep(ones(), "BF16");
                FrozenWeight e = WeightFormat.bf16().keep(ones(), "F32");
                FrozenWeight f = WeightFormat.bf16().keep(Tensor.of(DType.F32, 1, 1, Float.NaN), "BF16")) {
            assertInstanceOf(Bf16Weight.class, a);
            assertInstanceOf(F16Weight.class, b);
            assertInstanceOf(DenseWeight.class, c);
            assertInstanceOf(DenseWeight.class, d);
            assertInstanceOf(Bf16Weight.class, e);
            assertInstanceOf(DenseWeight.class, f);
        }
    }

    private static Tensor ones() {
        return Tensor.of(DType.F32, 1, 2, 1, 1);
    }

    @Test
    void a_closed_weight_is_not_read() {
        long before = Tensor.nativeBytes();
        FrozenWeight w = WeightFormat.bf16().keep(ones(), "F32");
        w.close();
        assertThrows(IllegalStateException.class, w::toDoubles);
        assertEquals(before, Tensor.nativeBytes());
    }
}
