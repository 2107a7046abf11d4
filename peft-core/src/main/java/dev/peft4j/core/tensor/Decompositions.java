package dev.peft4j.core.tensor;

import static org.bytedeco.openblas.global.openblas.LAPACKE_dgeqrf;
import static org.bytedeco.openblas.global.openblas.LAPACKE_dgesdd;
import static org.bytedeco.openblas.global.openblas.LAPACKE_dorgqr;
import static org.bytedeco.openblas.global.openblas.LAPACK_ROW_MAJOR;

import dev.peft4j.core.error.BadInputException;
import java.util.Arrays;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.openblas.global.openblas;

/** Matrix decompositions in double precision, by the LAPACK of the OpenBLAS that ND4J brings. */
public final class Decompositions {
    private static final NativeLibrary LAPACK =
            new NativeLibrary("org.bytedeco:openblas", "org/bytedeco/openblas", 100, () -> Loader.load(openblas.class));

    private Decompositions() {}

    /**
     * {@code M = U diag(s) Vᵀ} with {@code k = min(rows, cols)} singular values in falling order.
     *
     * @param u (rows, k), row by row
     * @param s (k)
     * @param vt (k, cols), row by row
     */
    public record Svd(int rows, int cols, double[] u, double[] s, double[] vt) {
        /** Number of singular values. */
        public int size() {
            return s.length;
        }

        /** Element of U. */
        public double u(int row, int k) {
            return u[row * s.length + k];
        }

        /** Element of Vᵀ. */
        public double vt(int k, int col) {
            return vt[k * cols + col];
        }

        /** The fewest singular values whose squares make up a share of the sum of all squares; at least one. */
        public int rankOf(double energy) {
            double all = Arrays.stream(s).map(v -> v * v).sum();
            double sum = 0;
            for (int k = 0; k < s.length; k++) {
                sum += s[k] * s[k];
                if (sum >= energy * all) {
                    return k + 1;
                }
            }
            return Math.max(1, s.length);
        }
    }

    /** Singular value decomposition of a matrix of rows · cols elements, row by row; the array is used as working memory. */
    public static Svd svd(double[] m, int rows, int cols) {
        LAPACK.load();
        int k = Math.min(rows, cols);
        double[] u = new double[rows * k];
        double[] s = new double[k];
        double[] vt = new double[k * cols];
        check("dgesdd", LAPACKE_dgesdd(LAPACK_ROW_MAJOR, (byte) 'S', rows, cols, m, cols, s, u, k, vt, cols));
        return new Svd(rows, cols, u, s, vt);
    }

    /**
     * {@code M = Q R} with {@code k = min(rows, cols)}.
     *
     * @param q (rows, k), row by row
     * @param r (k, cols), row by row, upper triangular
     */
    public record Qr(double[] q, double[] r) {}

    /** QR decomposition by Householder reflections, with the signs of LAPACK, as PyTorch has them. */
    public static Qr qr(double[] m, int rows, int cols) {
        LAPACK.load();
        int k = Math.min(rows, cols);
        double[] tau = new double[k];
        double[] a = m.clone();
        check("dgeqrf", LAPACKE_dgeqrf(LAPACK_ROW_MAJOR, rows, cols, a, cols, tau));
        double[] r = new double[k * cols];
        for (int i = 0; i < k; i++) {
            System.arraycopy(a, i * cols + i, r, i * cols + i, cols - i);
        }
        double[] q = new double[rows * k];
        for (int i = 0; i < rows; i++) {
            System.arraycopy(a, i * cols, q, i * k, k);
        }
        check("dorgqr", LAPACKE_dorgqr(LAPACK_ROW_MAJOR, rows, k, k, q, k, tau));
        return new Qr(q, r);
    }

    private static void check(String routine, int info) {
        if (info != 0) {
            throw new BadInputException("LAPACK " + routine + " failed with " + info
                    + ": a decomposition of finite numbers was expected to converge. Check the weights for NaN.");
        }
    }
}
