package dev.peft4j.core.tensor;

/**
 * Elementary functions over float arrays as polynomials and fractions without branches, so that the compiler turns the loops into
 * vector instructions. Loops are short: one that computes two things at once is no longer vectorised.
 */
@SuppressWarnings("FloatingPointLiteralPrecision") // the coefficients stand as they are published
final class FastMath {
    private static final float MAGIC = 12582912f; // 1.5 · 2^23: adding it rounds to an integer
    private static final int MAGIC_BITS = Float.floatToRawIntBits(MAGIC);
    private static final double SQRT_HALF = Math.sqrt(0.5);
    private static final float INV_SQRT_2PI = (float) (1 / Math.sqrt(2 * Math.PI));
    private static final float SQRT_2_OVER_PI = (float) Math.sqrt(2 / Math.PI);
    private static final float GELU_CUBIC = 0.044715f; // Hendrycks and Gimpel 2016, section 2
    private static final float LEAK = 0.01f; // PyTorch's leaky_relu

    private FastMath() {}

    /** tanh as an odd fraction of degree 13/6 on [-9, 9]; absolute error at most 3.5e-7. */
    static float tanh(float v) {
        float x = Math.max(-9f, Math.min(9f, v));
        float s = x * x;
        float p = -2.76076847742355e-16f;
        p = p * s + 2.00018790482477e-13f;
        p = p * s - 8.60467152213735e-11f;
        p = p * s + 5.12229709037114e-08f;
        p = p * s + 1.48572235717979e-05f;
        p = p * s + 6.37261928875436e-04f;
        p = p * s + 4.89352455891786e-03f;
        float q = 1.19825839466702e-06f;
        q = q * s + 1.18534705686654e-04f;
        q = q * s + 2.26843463243900e-03f;
        q = q * s + 4.89352518554385e-03f;
        return x * p / q;
    }

    /** erf as an odd fraction of degree 13/8 on [-4, 4]; absolute error at most 4.2e-7. */
    static float erf(float v) {
        float x = Math.max(-4f, Math.min(4f, v));
        float s = x * x;
        float p = -2.72614225801306e-10f;
        p = p * s + 2.77068142495902e-08f;
        p = p * s - 2.10102402082508e-06f;
        p = p * s - 5.69250639462346e-05f;
        p = p * s - 7.34990630326855e-04f;
        p = p * s - 2.95459980854025e-03f;
        p = p * s - 1.60960333262415e-02f;
        float q = -1.45660718464996e-05f;
        q = q * s - 2.13374055278905e-04f;
        q = q * s - 1.68282697438203e-03f;
        q = q * s - 7.37332916720468e-03f;
        q = q * s - 1.42647390514189e-02f;
        return x * p / q;
    }

    /**
     * {@code y[i] = e^x[i]} for x up to 80; below -87.3 it is as there, 1.2e-38. Relative error at most 1e-7 (Cephes, expf).
     *
     * <p>Two loops: the first is vectorised; the second moves bits between floats and integers, which Java 17 does one by one.
     */
    static void exp(float[] x, float[] y, int n) {
        float[] rounded = Scratch.array(3, n);
        for (int i = 0; i < n; i++) {
            float v = Math.max(-87.3f, x[i]);
            float t = v * 1.44269504f + MAGIC; // the last bits of t are the nearest integer to v / ln 2
            rounded[i] = t;
            float k = t - MAGIC;
            float r = v - k * 0.693359375f;
            r += k * 2.12194440e-4f;
            float p = 1.9875691500E-4f;
            p = p * r + 1.3981999507E-3f;
            p = p * r + 8.3334519073E-3f;
            p = p * r + 4.1665795894E-2f;
            p = p * r + 1.6666665459E-1f;
            p = p * r + 5.0000001201E-1f;
            y[i] = p * r * r + r + 1f;
        }
        for (int i = 0; i < n; i++) {
            y[i] *= Float.intBitsToFloat((Float.floatToRawIntBits(rounded[i]) - MAGIC_BITS + 127) << 23);
        }
    }

    /** {@code y[i] = 1 / (1 + e^-x[i])}, at least e^-80; relative error at most 3e-7, also where it is small. */
    static void sigmoid(float[] x, float[] y, int n) {
        for (int i = 0; i < n; i++) {
            y[i] = Math.min(80f, -x[i]);
        }
        exp(y, y, n);
        for (int i = 0; i < n; i++) {
            y[i] = 1f / (1f + y[i]);
        }
    }

    /** {@code y = f(x)}; y is another array. */
    static void forward(Activation f, float[] x, float[] y, int n) {
        switch (f) {
            case GELU -> {
                for (int i = 0; i < n; i++) {
                    float v = x[i];
                    y[i] = 0.5f * v * (1f + erf(v * (float) SQRT_HALF));
                }
            }
            case GELU_TANH -> {
                for (int i = 0; i < n; i++) {
                    float v = x[i];
                    y[i] = 0.5f * v * (1f + tanh(SQRT_2_OVER_PI * (v + GELU_CUBIC * v * v * v)));
                }
            }
            case SILU -> {
                sigmoid(x, y, n);
                for (int i = 0; i < n; i++) {
                    y[i] *= x[i];
                }
            }
            case SIGMOID -> sigmoid(x, y, n);
            case TANH -> {
                for (int i = 0; i < n; i++) {
                    y[i] = tanh(x[i]);
                }
            }
            case RELU -> {
                for (int i = 0; i < n; i++) {
                    y[i] = Math.max(0f, x[i]);
                }
            }
            case LEAKY_RELU -> {
                for (int i = 0; i < n; i++) {
                    y[i] = Math.max(LEAK * x[i], x[i]);
                }
            }
        }
    }

    /** {@code dx = dy · f'(x)}; dx may be the array of x or dy. */
    static void backward(Activation f, float[] dy, float[] x, float[] dx, int n) {
        switch (f) {
            case GELU -> {
                float[] density = Scratch.array(4, n);
                float[] cdf = Scratch.array(5, n);
                for (int i = 0; i < n; i++) {
                    density[i] = -0.5f * x[i] * x[i];
                }
                exp(density, density, n);
                for (int i = 0; i < n; i++) {
                    cdf[i] = 0.5f + 0.5f * erf(x[i] * (float) SQRT_HALF);
                }
                for (int i = 0; i < n; i++) {
                    dx[i] = dy[i] * (cdf[i] + x[i] * INV_SQRT_2PI * density[i]); // Φ(x) + x·φ(x)
                }
            }
            case GELU_TANH -> {
                float[] t = Scratch.array(4, n);
                for (int i = 0; i < n; i++) {
                    t[i] = tanh(SQRT_2_OVER_PI * (x[i] + GELU_CUBIC * x[i] * x[i] * x[i]));
                }
                for (int i = 0; i < n; i++) {
                    float v = x[i];
                    float inner = SQRT_2_OVER_PI * (1f + 3f * GELU_CUBIC * v * v);
                    dx[i] = dy[i] * (0.5f + 0.5f * t[i] + 0.5f * v * (1f - t[i] * t[i]) * inner);
                }
            }
            case SILU -> {
                float[] s = Scratch.array(4, n);
                sigmoid(x, s, n);
                for (int i = 0; i < n; i++) {
                    dx[i] = dy[i] * s[i] * (1f + x[i] * (1f - s[i]));
                }
            }
            case SIGMOID -> {
                float[] s = Scratch.array(4, n);
                sigmoid(x, s, n);
                for (int i = 0; i < n; i++) {
                    dx[i] = dy[i] * s[i] * (1f - s[i]);
                }
            }
            case TANH -> {
                for (int i = 0; i < n; i++) {
                    float t = tanh(x[i]);
                    dx[i] = dy[i] * (1f - t * t);
                }
            }
            case RELU -> {
                for (int i = 0; i < n; i++) {
                    dx[i] = x[i] > 0 ? dy[i] : 0f;
                }
            }
            case LEAKY_RELU -> {
                for (int i = 0; i < n; i++) {
                    dx[i] = x[i] > 0 ? dy[i] : LEAK * dy[i];
                }
            }
        }
    }

    /** A sum with eight accumulators: one alone is a chain that the compiler may not reorder. */
    static float sum(float[] a, int n) {
        return sum(a, 0, n);
    }

    /** The same of the elements from {@code from} to {@code to}. */
    static float sum(float[] a, int from, int to) {
        float s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
        int i = from;
        for (; i <= to - 8; i += 8) {
            s0 += a[i];
            s1 += a[i + 1];
            s2 += a[i + 2];
            s3 += a[i + 3];
            s4 += a[i + 4];
            s5 += a[i + 5];
            s6 += a[i + 6];
            s7 += a[i + 7];
        }
        for (; i < to; i++) {
            s0 += a[i];
        }
        return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
    }

    /** Inner product with eight accumulators. */
    static float dot(float[] a, float[] b, int n) {
        return dot(a, b, 0, n);
    }

    /** The same of the elements from {@code from} to {@code to}. */
    static float dot(float[] a, float[] b, int from, int to) {
        float s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
        int i = from;
        for (; i <= to - 8; i += 8) {
            s0 += a[i] * b[i];
            s1 += a[i + 1] * b[i + 1];
            s2 += a[i + 2] * b[i + 2];
            s3 += a[i + 3] * b[i + 3];
            s4 += a[i + 4] * b[i + 4];
            s5 += a[i + 5] * b[i + 5];
            s6 += a[i + 6] * b[i + 6];
            s7 += a[i + 7] * b[i + 7];
        }
        for (; i < to; i++) {
            s0 += a[i] * b[i];
        }
        return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
    }

    static float max(float[] a, int n) {
        return max(a, 0, n);
    }

    /** The greatest element from {@code from} to {@code to}, which is hardly ever a new one; NaN is passed over, and of none it is negative infinity. */
    static float max(float[] a, int from, int to) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = from; i < to; i++) {
            if (a[i] > max) {
                max = a[i];
            }
        }
        return max;
    }

    /** {@code a[i] = e^(a[i] - shift)} for the first n elements; returns their sum. */
    static float expShifted(float[] a, float shift, int n) {
        for (int i = 0; i < n; i++) {
            a[i] -= shift;
        }
        exp(a, a, n);
        return sum(a, n);
    }

    /** Rotates the pairs (i, i + half) of each head by angles whose cosines and sines are given; the sign is that of the angle. */
    static void rotate(float[] x, float[] cosines, float[] sines, float sign, int heads, int size, int half) {
        for (int h = 0; h < heads; h++) {
            int at = h * size;
            for (int i = 0; i < half; i++) {
                float u = x[at + i];
                float v = x[at + half + i];
                float s = sign * sines[i];
                x[at + i] = u * cosines[i] - v * s;
                x[at + half + i] = v * cosines[i] + u * s;
            }
        }
    }
}
