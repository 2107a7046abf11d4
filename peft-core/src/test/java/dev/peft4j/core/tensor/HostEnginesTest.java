package dev.peft4j.core.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The host engines against the ND4J ones in double precision, on seeded random matrices of awkward sizes. */
class HostEnginesTest extends TwoEngines {
    @ParameterizedTest
    @CsvSource({"1,1,1", "1,70,33", "3,5,7", "129,65,31", "40,300,8", "300,40,8", "257,1,19", "64,257,130"})
    void products_equal_the_reference(int m, int n, int k) {
        for (boolean ta : new boolean[] {false, true}) {
            for (boolean tb : new boolean[] {false, true}) {
                Pair a = ta ? matrix(k, m) : matrix(m, k);
                Pair b = tb ? matrix(n, k) : matrix(k, n);
                Pair wide = matrix(m, n + 6);
                Pair c = wide.columns(2, n); // a view: products write with a stride
                onBoth((e, f) -> e.matrices().gemm(ta, tb, 0.5, a.of(e), b.of(e), 2, c.of(e)));
                assertSame(wide, 1e-6 * (4 + k));
            }
        }
    }

    @Test
    void a_product_of_wrong_dimensions_names_them() {
        Pair a = matrix(3, 4);
        Pair b = matrix(5, 6);
        Pair c = matrix(3, 6);
        String message = assertThrows(IllegalArgumentException.class, () -> host.matrices()
                        .gemm(false, false, 1, a.f32(), b.f32(), 0, c.f32()))
                .getMessage();
        assertTrue(message.contains("(3, 4)") && message.contains("(5, 6)") && message.contains("(3, 6)"), message);
    }

    @Test
    void element_wise_kernels_equal_the_reference() {
        Pair a = matrix(67, 131);
        Pair b = matrix(67, 131);
        Pair y = matrix(67, 131);
        Pair sum = matrix(1, 131);
        onBoth((e, f) -> {
            e.kernels().add(a.of(e), b.of(e), y.of(e));
            e.kernels().addScaled(-0.3, b.of(e), y.of(e));
            e.kernels().addColumnSums(y.of(e), sum.of(e));
        });
        assertSame(y, 1e-6);
        assertSame(sum, 1e-5);
        assertEquals(reference.kernels().sumOfSquares(a.f64()), host.kernels().sumOfSquares(a.f32()), 1e-2);
        onBoth((e, f) -> e.kernels().fillRows(sum.of(e), y.of(e)));
        assertSame(y, 1e-5);
    }

    @Test
    void column_kernels_equal_the_reference() {
        Pair x = matrix(67, 131);
        Pair y = matrix(67, 131);
        Pair factors = matrix(1, 131);
        Pair sum = matrix(1, 131);
        onBoth((e, f) -> {
            e.kernels().addColumnDots(x.of(e), y.of(e), factors.of(e), sum.of(e));
            e.kernels().scaleColumns(x.of(e), factors.of(e), y.of(e));
        });
        assertSame(sum, 1e-4);
        assertSame(y, 1e-6);
    }

    @Test
    void gather_and_scatter_equal_the_reference() {
        int[] ids = {3, 0, 3, 9, 1, 3};
        Pair table = matrix(10, 37);
        Pair y = matrix(6, 37);
        Pair grad = matrix(10, 37);
        onBoth((e, f) -> {
            e.kernels().gather(ids, table.of(e), y.of(e));
            e.kernels().scatterAdd(ids, y.of(e), grad.of(e));
        });
        assertSame(y, 0);
        assertSame(grad, 1e-6);
    }

    @Test
    void copies_and_powers_equal_the_reference() {
        Pair x = matrix(67, 131);
        Pair y = matrix(67, 140);
        Pair part = y.columns(4, 131);
        onBoth((e, f) -> e.kernels().copy(x.of(e), part.of(e)));
        assertSame(y, 0);
        onBoth((e, f) -> {
            e.kernels().abs(x.of(e), x.of(e));
            e.kernels().power(-0.5, x.of(e), part.of(e));
        });
        assertSame(x, 0);
        assertSame(y, 1e-6);
        onBoth((e, f) -> e.kernels().fill(0.25, part.of(e)));
        assertSame(y, 1e-6);
        assertEquals(0.25, part.f32().get(66, 130));
    }

    @Test
    void row_kernels_equal_the_reference() {
        Pair x = matrix(67, 131);
        Pair y = matrix(67, 131);
        Pair factors = matrix(1, 67);
        Pair sum = matrix(1, 67);
        onBoth((e, f) -> {
            e.kernels().addRowDots(-0.7, x.of(e), y.of(e), sum.of(e));
            e.kernels().scaleRows(x.of(e), factors.of(e), y.of(e));
        });
        assertSame(sum, 1e-5);
        assertSame(y, 1e-6);
    }

    @Test
    void rows_and_columns_by_their_numbers_equal_the_reference() {
        int[] ids = {3, 0, 3, 9, 1, 3};
        Pair table = matrix(11, 10);
        Pair columns = matrix(6, 11);
        onBoth((e, f) -> e.kernels().gatherColumns(ids, table.of(e), columns.of(e)));
        assertSame(columns, 0);
        assertEquals(table.f32().get(5, 9), columns.f32().get(3, 5));
        Pair added = matrix(6, 11);
        onBoth((e, f) -> e.kernels().scatterAddColumns(ids, added.of(e), table.of(e)));
        assertSame(table, 1e-6);
        Pair put = matrix(6, 11);
        onBoth((e, f) -> e.kernels().scatterColumns(ids, put.of(e), table.of(e)));
        assertSame(table, 1e-6);
        assertEquals(put.f32().get(5, 7), table.f32().get(7, 3), "of an id that is there twice, the last row counts");
        Pair rows = matrix(10, 11);
        onBoth((e, f) -> e.kernels().scatter(ids, put.of(e), rows.of(e)));
        assertSame(rows, 0);
        assertEquals(put.f32().get(5, 7), rows.f32().get(3, 7));
    }

    @Test
    void the_greatest_of_each_row_is_found_and_of_several_the_first() {
        Pair x = matrix(67, 13);
        onBoth((e, f) -> {
            x.of(e).set(2, 4, 9);
            x.of(e).set(2, 11, 9);
        });
        int[] greatest = host.kernels().argmax(x.f32());
        assertEquals(4, greatest[2]);
        assertArrayEquals(reference.kernels().argmax(x.f64()), greatest);
    }

    @Test
    void losses_of_numbers_and_of_labels_equal_the_reference() {
        Pair z = matrix(7, 5);
        Pair dz = matrix(7, 5);
        float[] targets = matrix(7, 5).f32().toFloats();
        assertEquals(
                reference.kernels().squaredError(z.f64(), targets, 0.3, dz.f64()),
                host.kernels().squaredError(z.f32(), targets, 0.3, dz.f32()),
                1e-5);
        assertSame(dz, 1e-6);
        for (int i = 0; i < targets.length; i++) {
            targets[i] = targets[i] > 0 ? 1 : 0;
        }
        assertEquals(
                reference.kernels().binaryCrossEntropy(z.f64(), targets, 0.3, dz.f64()),
                host.kernels().binaryCrossEntropy(z.f32(), targets, 0.3, dz.f32()),
                1e-5);
        assertSame(dz, 1e-6);
        assertEquals(
                host.kernels().binaryCrossEntropy(z.f32(), targets, 0.3, dz.f32()),
                host.kernels().binaryCrossEntropy(z.f32(), targets, 0.3, null));
    }

    @Test
    void layer_norm_and_its_derivative_equal_the_reference() {
        Pair x = matrix(33, 70);
        Pair w = matrix(1, 70);
        Pair b = matrix(1, 70);
        Pair dy = matrix(33, 70);
        Pair y = matrix(33, 70);
        Pair stats = matrix(33, 2);
        Pair dx = matrix(33, 70);
        Pair dw = matrix(1, 70);
        Pair db = matrix(1, 70);
        onBoth((e, f) -> {
            e.kernels().layerNorm(x.of(e), w.of(e), b.of(e), 1e-5, y.of(e), stats.of(e));
            e.kernels().layerNormBackward(dy.of(e), x.of(e), w.of(e), stats.of(e), dx.of(e), true, dw.of(e), db.of(e));
        });
        assertSame(y, 1e-5);
        assertSame(dx, 1e-5);
        assertSame(dw, 1e-4);
        assertSame(db, 1e-5);
    }

    @Test
    void rms_norm_and_its_derivative_equal_the_reference() {
        Pair x = matrix(33, 70);
        Pair w = matrix(1, 70);
        Pair dy = matrix(33, 70);
        Pair y = matrix(33, 70);
        Pair stats = matrix(33, 1);
        Pair dx = matrix(33, 70);
        Pair dw = matrix(1, 70);
        onBoth((e, f) -> {
            e.kernels().rmsNorm(x.of(e), w.of(e), 1e-6, y.of(e), stats.of(e));
            e.kernels().rmsNormBackward(dy.of(e), x.of(e), w.of(e), stats.of(e), dx.of(e), false, dw.of(e));
        });
        assertSame(y, 1e-5);
        assertSame(dx, 1e-5);
        assertSame(dw, 1e-4);
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void activations_and_their_derivatives_equal_the_reference(Activation f) {
        Pair x = matrix(19, 300);
        for (int i = 0; i < 30; i++) { // the tails too
            x.f32().set(0, i, i - 15);
            x.f64().set(0, i, i - 15);
        }
        Pair dy = matrix(19, 300);
        Pair y = matrix(19, 300);
        Pair dx = matrix(19, 300);
        onBoth((e, b) -> {
            e.kernels().activation(f, x.of(e), y.of(e));
            e.kernels().activationBackward(f, dy.of(e), x.of(e), dx.of(e), true);
        });
        assertSame(y, 2e-6);
        assertSame(dx, 5e-6);
    }

    @Test
    void gated_activation_and_its_derivative_equal_the_reference() {
        Pair gate = matrix(19, 65);
        Pair up = matrix(19, 65);
        Pair dy = matrix(19, 65);
        Pair y = matrix(19, 65);
        Pair dGate = matrix(19, 65);
        Pair dUp = matrix(19, 65);
        onBoth((e, f) -> {
            e.kernels().swiGlu(gate.of(e), up.of(e), y.of(e));
            e.kernels().swiGluBackward(dy.of(e), gate.of(e), up.of(e), dGate.of(e), false, dUp.of(e), true);
        });
        assertSame(y, 2e-6);
        assertSame(dGate, 5e-6);
        assertSame(dUp, 5e-6);
    }

    @Test
    void dropout_drops_the_same_elements_on_both_engines_and_about_its_share() {
        Pair x = matrix(100, 200);
        Pair y = matrix(100, 200);
        onBoth((e, f) -> e.kernels().dropout(0.3, 99, x.of(e), y.of(e)));
        assertSame(y, 1e-6);
        int zeros = 0;
        for (float v : y.f32().toFloats()) {
            zeros += v == 0 ? 1 : 0;
        }
        assertEquals(0.3, zeros / 20000.0, 0.015);
    }

    @Test
    void rotation_equals_the_reference_and_is_undone_by_its_inverse() {
        Pair x = matrix(5, 24);
        Tensor before = x.f32().copy(DType.F32);
        open.add(before);
        Pair cos = matrix(9, 4);
        Pair sin = matrix(9, 4);
        for (int r = 0; r < 9; r++) {
            for (int c = 0; c < 4; c++) {
                double angle = r * Math.pow(10, -c);
                for (DType d : DType.values()) {
                    (d == DType.F32 ? cos.f32() : cos.f64()).set(r, c, Math.cos(angle));
                    (d == DType.F32 ? sin.f32() : sin.f64()).set(r, c, Math.sin(angle));
                }
            }
        }
        int[] positions = {0, 3, 8, 1, 1};
        onBoth((e, f) -> e.kernels().rotate(x.of(e), 3, positions, cos.of(e), sin.of(e), false));
        assertSame(x, 1e-6);
        host.kernels().rotate(x.f32(), 3, positions, cos.f32(), sin.f32(), true);
        assertTrue(maxDifference(before, x.f32()) < 1e-5);
    }

    private static double maxDifference(Tensor a, Tensor b) {
        float[] x = a.toFloats();
        float[] y = b.toFloats();
        double worst = 0;
        for (int i = 0; i < x.length; i++) {
            worst = Math.max(worst, Math.abs(x[i] - y[i]));
        }
        return worst;
    }

    @ParameterizedTest
    @CsvSource({
        "true,0,4,2,0,0",
        "true,0.2,4,4,0,0",
        "false,0,6,3,0,0",
        "false,0.1,3,1,0,0",
        "true,0,5,1,0,0",
        "true,0,4,2,5,0",
        "true,0.2,4,4,70,0",
        "true,0,4,1,1,0",
        "false,0,6,3,5,0",
        "false,0.1,3,1,80,0",
        "true,0,4,2,0,1.5",
        "false,0.2,4,2,0,0.5",
        "true,0.1,4,2,9,0.5",
        "true,0,4,2,500,20"
    })
    void attention_and_its_derivative_equal_the_reference(
            boolean causal, double dropout, int heads, int keyHeads, int window, double cap) {
        int size = 6;
        int[] starts = {0, 1, 8};
        int[] lengths = {1, 7, 150}; // a single token, one block, several blocks
        AttentionShape s = new AttentionShape(
                        starts, lengths, starts, lengths, heads, keyHeads, size, 0.4, causal, dropout, 7)
                .withWindow(window)
                .withSoftCap(cap);
        int tokens = 158;
        Pair q = matrix(tokens, heads * size);
        Pair k = matrix(tokens, keyHeads * size);
        Pair v = matrix(tokens, keyHeads * size);
        Pair stats = matrix(tokens, heads);
        Pair y = matrix(tokens, heads * size);
        Pair dy = matrix(tokens, heads * size);
        Pair dq = matrix(tokens, heads * size);
        Pair dk = matrix(tokens, keyHeads * size);
        Pair dv = matrix(tokens, keyHeads * size);
        onBoth((e, f) -> {
            e.kernels().attention(s, q.of(e), k.of(e), v.of(e), null, stats.of(e), y.of(e));
            e.kernels()
                    .attentionBackward(
                            s,
                            dy.of(e),
                            q.of(e),
                            k.of(e),
                            v.of(e),
                            null,
                            stats.of(e),
                            y.of(e),
                            dq.of(e),
                            dk.of(e),
                            dv.of(e),
                            null,
                            null);
        });
        assertSame(y, 1e-5);
        assertSame(dq, 5e-5);
        assertSame(dk, 5e-5);
        assertSame(dv, 5e-5);
    }

    @Test
    void attention_over_more_keys_than_queries_sees_the_earlier_ones() {
        AttentionShape s = new AttentionShape(
                new int[] {0, 2}, new int[] {2, 1}, new int[] {0, 8}, new int[] {5, 3}, 2, 1, 4, 0.5, true, 0, 0);
        Pair q = matrix(3, 8);
        Pair k = matrix(16, 4);
        Pair v = matrix(16, 4);
        Pair stats = matrix(3, 2);
        Pair y = matrix(3, 8);
        onBoth((e, f) -> e.kernels().attention(s, q.of(e), k.of(e), v.of(e), null, stats.of(e), y.of(e)));
        assertSame(y, 1e-5);
    }

    @Test
    void cross_entropy_equals_the_reference_also_for_large_logits() {
        Pair x = matrix(21, 500);
        for (Tensor t : Arrays.asList(x.f32(), x.f64())) {
            t.set(3, 7, 80);
            t.set(4, 7, -80);
        }
        int[] labels = new int[21];
        Arrays.setAll(labels, i -> i * 23 % 500);
        double[] losses = new double[2];
        onBoth((e, f) -> losses[f ? 0 : 1] = e.kernels().crossEntropy(x.of(e), labels, 0.25));
        assertEquals(losses[1], losses[0], 1e-3);
        assertSame(x, 1e-6);
    }

    @Test
    void adam_equals_the_reference() {
        Pair p = matrix(7, 90);
        Pair g = matrix(7, 90);
        Pair m = matrix(7, 90);
        Pair v = matrix(7, 90);
        for (Tensor t : Arrays.asList(v.f32(), v.f64())) {
            t.fill(0.5);
        }
        onBoth((e, f) -> e.kernels().adamW(p.of(e), g.of(e), m.of(e), v.of(e), 0.01, 0.9, 0.999, 1e-8, 0.1, 3));
        assertSame(p, 1e-5);
        assertSame(m, 1e-6);
        assertSame(v, 1e-6);
    }

    /** What is left of 0.999 is known to five digits only if it is computed in floats. */
    @Test
    void the_first_step_of_adam_is_as_exact_as_floats_are() {
        Pair p = matrix(7, 90);
        Pair g = matrix(7, 90);
        Pair m = matrix(7, 90);
        Pair v = matrix(7, 90);
        for (Pair zero : Arrays.asList(m, v)) {
            zero.f32().fill(0);
            zero.f64().fill(0);
        }
        onBoth((e, f) -> e.kernels().adamW(p.of(e), g.of(e), m.of(e), v.of(e), 0.01, 0.9, 0.999, 1e-8, 0, 1));
        assertSame(v, 5e-9);
        assertSame(m, 1e-7);
        assertSame(p, 5e-7);
    }
}
