package dev.peft4j.core.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Functions over arrays against those of Java in double precision. */
class FastMathTest {
    private static final int HALF = 50_000;
    private static final int COUNT = 2 * HALF + 1;

    /** From -40 to 40, zero in the middle. */
    private static float[] arguments() {
        float[] x = new float[COUNT];
        for (int i = 0; i < COUNT; i++) {
            x[i] = 40f * (i - HALF) / HALF;
        }
        return x;
    }

    @Test
    void silu_and_its_derivative_keep_their_digits_where_they_are_small() {
        float[] x = arguments();
        float[] y = new float[COUNT];
        float[] dx = new float[COUNT];
        float[] ones = new float[COUNT];
        Arrays.fill(ones, 1f);
        FastMath.forward(Activation.SILU, x, y, COUNT);
        FastMath.backward(Activation.SILU, ones, x, dx, COUNT);
        for (int i = 0; i < COUNT; i++) {
            double s = 1 / (1 + Math.exp(-x[i]));
            assertEquals(x[i] * s, y[i], 4e-7 * Math.abs(x[i] * s), "silu of " + x[i]);
            double derivative = s * (1 + x[i] * (1 - s)); // a difference of numbers of the size of its terms
            assertEquals(derivative, dx[i], 4e-7 * s * (1 + Math.abs(x[i])), "derivative at " + x[i]);
        }
    }

    @Test
    void far_arguments_have_finite_values() {
        float[] x = {-1e30f, -200f, -88f, -80f, 88f, 200f, 1e30f};
        float[] y = new float[x.length];
        FastMath.sigmoid(x, y, x.length);
        for (int i = 0; i < x.length; i++) {
            assertTrue(x[i] < 0 ? y[i] > 0 && y[i] < 2e-35 : y[i] == 1, x[i] + ": " + y[i]);
        }
    }
}
