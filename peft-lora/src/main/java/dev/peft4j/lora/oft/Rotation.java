package dev.peft4j.lora.oft;

/**
 * Orthogonal matrices R (n, n) out of skew-symmetric ones Q, as arrays row by row in double precision: the Cayley transform {@code R = (I - Q)(I + Q)⁻¹},
 * or a Neumann series in the place of the inverse. PEFT's series has the other sign of Q: {@code I + 2Q + 2Q² + … + Qᵏ}.
 */
final class Rotation {
    private final int n;
    private final int terms; // 0 for the exact transform

    Rotation(int n, int terms) {
        this.n = n;
        this.terms = terms;
    }

    /** The coefficients of the powers of Q in the series of PEFT. */
    private double[] coefficients() {
        int highest = terms <= 1 ? 0 : terms == 2 ? 1 : Math.max(3, terms - 1);
        double[] c = new double[highest + 1];
        c[0] = 1;
        for (int i = 1; i <= highest; i++) {
            c[i] = i == highest && terms > 2 ? 1 : 2;
        }
        return c;
    }

    /** R of Q. */
    double[] of(double[] q) {
        if (terms == 0) {
            double[] s = inverse(plusIdentity(q));
            return multiply(minusFromIdentity(q), false, s, false);
        }
        return series(q)[0];
    }

    /** Horner's scheme: {@code P_k = c_k I + Q P_{k+1}}; R is P_0. */
    private double[][] series(double[] q) {
        double[] c = coefficients();
        double[][] p = new double[c.length][];
        p[c.length - 1] = scaledIdentity(c[c.length - 1]);
        for (int k = c.length - 2; k >= 0; k--) {
            p[k] = multiply(q, false, p[k + 1], false);
            for (int i = 0; i < n; i++) {
                p[k][i * n + i] += c[k];
            }
        }
        return p;
    }

    /** dQ of dR. */
    double[] backward(double[] q, double[] dr) {
        if (terms == 0) { // dR = -(I + R) dQ S with S = (I + Q)⁻¹
            double[] s = inverse(plusIdentity(q));
            double[] r = multiply(minusFromIdentity(q), false, s, false);
            double[] dq = multiply(multiply(plusIdentity(r), true, dr, false), false, s, true);
            for (int i = 0; i < dq.length; i++) {
                dq[i] = -dq[i];
            }
            return dq;
        }
        double[][] p = series(q);
        double[] dq = new double[n * n];
        double[] g = dr;
        for (int k = 0; k + 1 < p.length; k++) {
            double[] part = multiply(g, false, p[k + 1], true); // dQ += G P_{k+1}ᵀ
            for (int i = 0; i < dq.length; i++) {
                dq[i] += part[i];
            }
            g = multiply(q, true, g, false);
        }
        return dq;
    }

    /** What rotates nothing. */
    double[] identity() {
        return scaledIdentity(1);
    }

    private double[] scaledIdentity(double c) {
        double[] m = new double[n * n];
        for (int i = 0; i < n; i++) {
            m[i * n + i] = c;
        }
        return m;
    }

    private double[] plusIdentity(double[] q) {
        double[] m = q.clone();
        for (int i = 0; i < n; i++) {
            m[i * n + i] += 1;
        }
        return m;
    }

    private double[] minusFromIdentity(double[] q) {
        double[] m = new double[n * n];
        for (int i = 0; i < m.length; i++) {
            m[i] = (i % (n + 1) == 0 ? 1 : 0) - q[i];
        }
        return m;
    }

    private double[] multiply(double[] a, boolean transposeA, double[] b, boolean transposeB) {
        double[] c = new double[n * n];
        for (int i = 0; i < n; i++) {
            for (int k = 0; k < n; k++) {
                double v = transposeA ? a[k * n + i] : a[i * n + k];
                for (int j = 0; j < n; j++) {
                    c[i * n + j] += v * (transposeB ? b[j * n + k] : b[k * n + j]);
                }
            }
        }
        return c;
    }

    /** Gauss-Jordan elimination with row pivots; I + Q of a skew-symmetric Q always has an inverse. */
    private double[] inverse(double[] matrix) {
        double[] a = matrix.clone();
        double[] inv = scaledIdentity(1);
        for (int col = 0; col < n; col++) {
            int pivot = col;
            for (int row = col + 1; row < n; row++) {
                pivot = Math.abs(a[row * n + col]) > Math.abs(a[pivot * n + col]) ? row : pivot;
            }
            swapRows(a, col, pivot);
            swapRows(inv, col, pivot);
            double divisor = a[col * n + col];
            for (int j = 0; j < n; j++) {
                a[col * n + j] /= divisor;
                inv[col * n + j] /= divisor;
            }
            for (int row = 0; row < n; row++) {
                double f = a[row * n + col];
                if (row != col && f != 0) {
                    for (int j = 0; j < n; j++) {
                        a[row * n + j] -= f * a[col * n + j];
                        inv[row * n + j] -= f * inv[col * n + j];
                    }
                }
            }
        }
        return inv;
    }

    private void swapRows(double[] m, int i, int j) {
        for (int c = 0; c < n && i != j; c++) {
            double t = m[i * n + c];
            m[i * n + c] = m[j * n + c];
            m[j * n + c] = t;
        }
    }
}
