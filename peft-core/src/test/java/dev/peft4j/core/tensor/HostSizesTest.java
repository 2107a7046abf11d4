package dev.peft4j.core.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every routine of the host engines at the sizes where its blocks, strips and unrolled loops end, and one before and behind. Results lie
 * inside of larger matrices, all of which are compared: what is written too far is found like what is left out.
 */
class HostSizesTest extends TwoEngines {
    /** The ends of loops of 4 and 8 elements, of 64 queries or columns, and of 256 and 512 rows. */
    private static final int[] SIZES = {
        1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 512, 513
    };

    /** A matrix inside of a larger one. */
    private record Inside(Pair all, Pair part) {
        Tensor of(Backend e) {
            return part.of(e);
        }
    }

    private Inside inside(int rows, int cols) {
        Pair all = matrix(rows + 3, cols + 5);
        return new Inside(all, all.rows(1, rows).columns(2, cols));
    }

    private static void assertSame(Inside m, double tolerance) {
        assertSame(m.all, tolerance);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 256, 257, 511, 512, 513, 767, 768, 769})
    void products_of_each_number_of_rows_columns_and_terms(int size) {
        checkProduct(size, 5, 7);
        checkProduct(3, size, 7);
        checkProduct(size, 130, 33); // in strips of rows
        checkProduct(70, size, 90); // in strips of columns
        checkProduct(3, 5, size);
        checkProduct(3, 130, size); // of blocks of rows that are read ahead
        checkProduct(1, 130, size); // of one row
        checkProduct(60, 40, size); // of several threads
    }

    /** With the sums of a plain loop. */
    private void checkProduct(int m, int n, int k) {
        for (int kind = 0; kind < 4; kind++) {
            boolean ta = kind % 2 == 1;
            boolean tb = kind >= 2;
            Pair a = inside(ta ? k : m, ta ? m : k).part;
            Pair b = inside(tb ? n : k, tb ? k : n).part;
            Inside c = inside(m, n);
            double[] as = a.f64().toDoubles();
            double[] bs = b.f64().toDoubles();
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < n; j++) {
                    double sum = 0;
                    for (int l = 0; l < k; l++) {
                        sum += as[ta ? l * m + i : i * k + l] * bs[tb ? j * k + l : l * n + j];
                    }
                    c.part.f64().set(i, j, 0.5 * sum + 2 * c.part.f64().get(i, j));
                }
            }
            host.matrices().gemm(ta, tb, 0.5, a.f32(), b.f32(), 2, c.part.f32());
            assertSame(c, 1e-6 * (4 + Math.sqrt(k)));
        }
    }

    @Test
    void kernels_of_each_number_of_columns() {
        for (int n : SIZES) {
            checkElements(3, n);
            checkColumns(3, n);
            checkNorms(3, n);
            checkLoss(3, n);
        }
    }

    @ParameterizedTest
    @CsvSource({"1,16384", "1,16385", "2,8192", "2,8193", "128,128", "129,128", "255,66", "256,66", "257,66", "513,40"})
    void kernels_of_as_many_elements_as_one_thread_takes_and_more(int rows, int cols) {
        checkElements(rows, cols);
        checkColumns(rows, cols);
        checkNorms(rows, cols);
        checkLoss(rows, cols);
    }

    private void checkElements(int rows, int n) {
        Inside x = inside(rows, n);
        Inside y = inside(rows, n);
        Inside sum = inside(rows, n);
        Inside product = inside(rows, n);
        Inside p = inside(rows, n);
        Inside v = inside(rows, n);
        Arrays.asList(v.part.f32(), v.part.f64()).forEach(t -> t.fill(0.5));
        int[] ids = new int[rows];
        Arrays.setAll(ids, i -> (i * 5 + 2) % rows);
        double[] dots = new double[2];
        onBoth((e, f) -> {
            e.kernels().add(x.of(e), y.of(e), sum.of(e));
            e.kernels().addScaled(-0.3, y.of(e), sum.of(e));
            e.kernels().scale(0.7, sum.of(e));
            e.kernels().multiply(x.of(e), y.of(e), product.of(e));
            dots[f ? 0 : 1] = e.kernels().dot(x.of(e), y.of(e));
            e.kernels().adamW(p.of(e), x.of(e), y.of(e), v.of(e), 0.01, 0.9, 0.999, 1e-8, 0.1, 3);
            e.kernels().gather(ids, sum.of(e), x.of(e));
            e.kernels().scatterAdd(ids, product.of(e), sum.of(e));
            e.kernels().dropout(0.3, 99, product.of(e), product.of(e));
        });
        assertEquals(dots[1], dots[0], 1e-6 * (4 + Math.sqrt((double) rows * n)), () -> rows + ", " + n);
        for (Inside m : new Inside[] {x, y, sum, product, p, v}) {
            assertSame(m, 1e-5);
        }
    }

    private void checkColumns(int rows, int n) {
        Inside x = inside(rows, n);
        Inside y = inside(rows, n);
        Inside filled = inside(rows, n);
        Inside empty = inside(rows, n);
        Pair factors = inside(1, n).part;
        Inside sums = inside(1, n);
        Inside dots = inside(1, n);
        onBoth((e, f) -> {
            e.kernels().addColumnSums(x.of(e), sums.of(e));
            e.kernels().addColumnDots(x.of(e), y.of(e), factors.of(e), dots.of(e));
            e.kernels().fillRows(factors.of(e), filled.of(e));
            e.kernels().fillRows(null, empty.of(e));
            e.kernels().scaleColumns(x.of(e), factors.of(e), y.of(e));
        });
        for (Inside m : new Inside[] {y, sums, dots, filled, empty}) {
            assertSame(m, 1e-6 * (4 + rows));
        }
    }

    private void checkNorms(int rows, int n) {
        Inside x = inside(rows, n);
        Pair w = inside(1, n).part;
        Pair b = inside(1, n).part;
        Pair dy = inside(rows, n).part;
        Inside y = inside(rows, n);
        Inside stats = inside(rows, 2);
        Inside dx = inside(rows, n);
        Inside dw = inside(1, n);
        Inside db = inside(1, n);
        onBoth((e, f) -> {
            e.kernels().layerNorm(x.of(e), w.of(e), b.of(e), 0.1, y.of(e), stats.of(e));
            e.kernels().layerNormBackward(dy.of(e), x.of(e), w.of(e), stats.of(e), dx.of(e), true, dw.of(e), db.of(e));
        });
        for (Inside m : new Inside[] {y, stats, dx, dw, db}) {
            assertSame(m, 1e-6 * (20 + rows));
        }
        Inside rms = inside(rows, 1);
        onBoth((e, f) -> {
            e.kernels().rmsNorm(x.of(e), w.of(e), 0.1, y.of(e), rms.of(e));
            e.kernels().rmsNormBackward(dy.of(e), x.of(e), w.of(e), rms.of(e), dx.of(e), false, dw.of(e));
        });
        for (Inside m : new Inside[] {y, rms, dx, dw}) {
            assertSame(m, 1e-6 * (20 + rows));
        }
    }

    private void checkLoss(int rows, int n) {
        Inside x = inside(rows, n);
        for (Tensor t : Arrays.asList(x.part.f32(), x.part.f64())) {
            t.set(rows - 1, n - 1, 6); // what is left out at the end is the largest
        }
        int[] labels = new int[rows];
        Arrays.setAll(labels, i -> i * 23 % n);
        double[] losses = new double[2];
        onBoth((e, f) -> losses[f ? 0 : 1] = e.kernels().crossEntropy(x.of(e), labels, 0.25));
        assertEquals(losses[1], losses[0], 1e-5 * rows, () -> rows + ", " + n);
        assertSame(x, 1e-6);
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void activations_of_each_number_of_columns(Activation f) {
        for (int n : SIZES) {
            Pair x = inside(2, n).part;
            Pair dy = inside(2, n).part;
            Inside y = inside(2, n);
            Inside dx = inside(2, n);
            Inside gated = inside(2, n);
            Inside dUp = inside(2, n);
            Inside dGate = inside(2, n);
            onBoth((e, b) -> {
                e.kernels().activation(f, x.of(e), y.of(e));
                e.kernels().activationBackward(f, dy.of(e), x.of(e), dx.of(e), true);
                e.kernels().swiGlu(x.of(e), dy.of(e), gated.of(e));
                e.kernels().swiGluBackward(dy.of(e), x.of(e), y.of(e), dGate.of(e), true, dUp.of(e), false);
            });
            for (Inside m : new Inside[] {y, dx, gated, dUp, dGate}) {
                assertSame(m, 1e-5);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 8, 16, 33, 64, 128})
    void rotations_of_each_size_of_heads(int half) {
        for (int heads : new int[] {1, 3}) {
            Inside x = inside(5, heads * 2 * half);
            Pair cos = matrix(9, half);
            Pair sin = matrix(9, half);
            int[] positions = {0, 8, 3, 1, 1};
            onBoth((e, f) -> e.kernels().rotate(x.of(e), heads, positions, cos.of(e), sin.of(e), false));
            assertSame(x, 1e-5);
            onBoth((e, f) -> e.kernels().rotate(x.of(e), heads, positions, cos.of(e), sin.of(e), true));
            assertSame(x, 1e-4);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 8, 9, 63, 64, 65, 127, 128, 129, 255, 256, 257})
    void attention_of_each_number_of_tokens(int tokens) {
        for (boolean causal : new boolean[] {false, true}) {
            int[] starts = {0, 2};
            int[] lengths = {2, tokens};
            AttentionShape s = new AttentionShape(starts, lengths, starts, lengths, 2, 1, 5, 0.4, causal, 0.1, 7);
            Inside q = inside(tokens + 2, 10);
            Inside k = inside(tokens + 2, 5);
            Inside v = inside(tokens + 2, 5);
            Inside y = inside(tokens + 2, 10);
            Inside dq = inside(tokens + 2, 10);
            Inside dk = inside(tokens + 2, 5);
            Inside dv = inside(tokens + 2, 5);
            Pair dy = inside(tokens + 2, 10).part;
            Inside stats = inside(tokens + 2, 2);
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
            for (Inside m : new Inside[] {q, k, v, stats, y, dq, dk, dv}) {
                assertSame(m, 5e-5);
            }
        }
    }
}
