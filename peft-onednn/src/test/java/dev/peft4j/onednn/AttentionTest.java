package dev.peft4j.onednn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.tensor.AttentionShape;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Attention whose tiles oneDNN multiplies, beside OpenBLAS. */
class AttentionTest {
    private static final int HEADS = 4;
    private static final int SIZE = 32;
    private static final double TOLERANCE = 2e-6;

    @ParameterizedTest(name = "{0} and {1} tokens, {2} heads of keys, causal: {3}, dropout: {4}")
    @CsvSource({
        "128, 64, 4, true, 0",
        "128, 64, 2, true, 0.1",
        "320, 48, 4, false, 0.1",
        "200, 37, 1, true, 0",
        "256, 1, 2, false, 0"
    })
    void is_that_of_openblas_with_the_same_bits_on_any_number_of_threads(
            int first, int second, int keyHeads, boolean causal, double dropout) {
        int[] starts = {0, first};
        int[] counts = {first, second};
        AttentionShape shape = new AttentionShape(
                starts, counts, starts, counts, HEADS, keyHeads, SIZE, 1 / Math.sqrt(SIZE), causal, dropout, 12);
        List<double[]> plain;
        String before = System.setProperty("peft4j.engine", "openblas");
        try (Backend openBlas = Backend.host(1)) {
            plain = run(openBlas, shape);
        } finally {
            if (before == null) {
                System.clearProperty("peft4j.engine");
            } else {
                System.setProperty("peft4j.engine", before);
            }
        }
        try (Backend one = Backend.host(1);
                Backend three = Backend.host(3)) {
            assertTrue(one.name().contains("oneDNN"), one.name());
            List<double[]> found = run(one, shape);
            List<double[]> others = run(three, shape);
            for (int i = 0; i < found.size(); i++) {
                assertArrayEquals(found.get(i), others.get(i), "the result with the number " + i);
                for (int j = 0; j < found.get(i).length; j++) {
                    assertEquals(plain.get(i)[j], found.get(i)[j], TOLERANCE, "element " + j + " of result " + i);
                }
            }
        }
    }

    /** y, dq, dk and dv. */
    private static List<double[]> run(Backend backend, AttentionShape shape) {
        int rows = shape.queryStart()[1] + shape.queryCount()[1];
        int keyColumns = shape.keyHeads() * SIZE;
        Random random = new Random(5);
        List<Tensor> all = new ArrayList<>();
        for (int columns : new int[] {HEADS * SIZE, keyColumns, keyColumns, HEADS * SIZE}) {
            Tensor t = Tensor.allocate(DType.F32, rows, columns);
            t.set(random.doubles(t.size(), -1, 1).toArray());
            all.add(t);
        }
        Tensor q = all.get(0);
        Tensor k = all.get(1);
        Tensor v = all.get(2);
        Tensor dy = all.get(3);
        Tensor y = Tensor.allocate(DType.F32, rows, HEADS * SIZE);
        Tensor stats = Tensor.allocate(DType.F32, rows, HEADS);
        Tensor dq = Tensor.allocate(DType.F32, rows, HEADS * SIZE);
        Tensor dk = Tensor.allocate(DType.F32, rows, keyColumns);
        Tensor dv = Tensor.allocate(DType.F32, rows, keyColumns);
        backend.kernels().attention(shape, q, k, v, null, stats, y);
        backend.kernels().attentionBackward(shape, dy, q, k, v, null, stats, y, dq, dk, dv, null, null);
        List<double[]> results = List.of(y.toDoubles(), dq.toDoubles(), dk.toDoubles(), dv.toDoubles());
        all.addAll(List.of(y, stats, dq, dk, dv));
        all.forEach(Tensor::close);
        return results;
    }
}
