package dev.peft4j.lora.oft;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rotations out of skew-symmetric matrices. */
class RotationTest {
    private static final int N = 4;

    /** Q with Qᵀ = -Q. */
    private static double[] skew(double size) {
        SplittableRandom random = new SplittableRandom(3);
        double[] q = new double[N * N];
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < i; j++) {
                q[i * N + j] = size * random.nextGaussian();
                q[j * N + i] = -q[i * N + j];
            }
        }
        return q;
    }

    @Test
    void the_cayley_transform_of_two_dimensions_is_a_turn_by_hand() {
        double[] r = new Rotation(2, 0).of(new double[] {0, -0.5, 0.5, 0});
        double[] expected = {0.6, 0.8, -0.8, 0.6}; // (I - Q)(I + Q)⁻¹: the cosine is (1 - q²) / (1 + q²)
        for (int i = 0; i < 4; i++) {
            assertEquals(expected[i], r[i], 1e-12);
        }
    }

    @Test
    void the_cayley_transform_is_orthogonal() {
        double[] r = new Rotation(N, 0).of(skew(0.7));
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < N; j++) {
                double sum = 0;
                for (int k = 0; k < N; k++) {
                    sum += r[k * N + i] * r[k * N + j];
                }
                assertEquals(i == j ? 1 : 0, sum, 1e-12);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 5})
    void the_derivative_is_that_of_finite_differences(int terms) {
        Rotation rotation = new Rotation(N, terms);
        double[] q = skew(0.3);
        double[] dr = skew(1);
        for (int i = 0; i < dr.length; i++) {
            dr[i] += 0.1 * i;
        }
        double[] dq = rotation.backward(q, dr);
        double h = 1e-6;
        for (int i = 0; i < q.length; i++) {
            double old = q[i];
            q[i] = old + h;
            double up = dot(rotation.of(q), dr);
            q[i] = old - h;
            double down = dot(rotation.of(q), dr);
            q[i] = old;
            assertEquals((up - down) / (2 * h), dq[i], 1e-7, "element " + i);
        }
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }
}
