package dev.peft4j.core.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BadInputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Kernels of images: those of the host beside the readable ones, these beside finite differences, and bits that do not depend on threads. */
class ImageKernelsTest {
    private static final int IMAGES = 2;
    private static final int CHANNELS = 5;
    private static final double STEP = 1e-6;

    private static Tensor random(DType dtype, int rows, int cols, long seed) {
        Random random = new Random(seed);
        Tensor t = Tensor.allocate(dtype, rows, cols);
        t.set(random.doubles(t.size(), -1, 1).toArray());
        return t;
    }

    /** What a kernel makes of tensors with the same values on each backend; the last ones are those that it writes. */
    private static List<double[]> run(Backend backend, int[][] shapes, BiConsumer<Kernels, List<Tensor>> kernel) {
        List<Tensor> all = new ArrayList<>();
        for (int i = 0; i < shapes.length; i++) {
            all.add(random(backend.dtype(), shapes[i][0], shapes[i][1], 10 + i));
        }
        kernel.accept(backend.kernels(), all);
        List<double[]> values = all.stream().map(Tensor::toDoubles).toList();
        all.forEach(Tensor::close);
        return values;
    }

    private static void alike(int[][] shapes, BiConsumer<Kernels, List<Tensor>> kernel) {
        List<double[]> exact = run(Backend.nd4j(DType.F64), shapes, kernel);
        try (Backend one = Backend.host(1);
                Backend three = Backend.host(3)) {
            List<double[]> found = run(one, shapes, kernel);
            List<double[]> others = run(three, shapes, kernel);
            for (int i = 0; i < exact.size(); i++) {
                assertArrayEquals(exact.get(i), found.get(i), 2e-5, "tensor " + i);
                assertArrayEquals(found.get(i), others.get(i), "tensor " + i + " on three threads");
            }
        }
    }

    @ParameterizedTest(name = "{0} x {1}, kernel {2} x {3}, strides {4} {5}, in front {6} {8}, behind {7} {9}")
    @CsvSource({
        "6, 7, 3, 3, 1, 1, 1, 1, 1, 1",
        "9, 8, 3, 3, 2, 2, 1, 1, 1, 1",
        "8, 8, 1, 1, 2, 2, 0, 0, 0, 0",
        "5, 6, 1, 1, 1, 1, 0, 0, 0, 0",
        "5, 6, 1, 1, 1, 2, 0, 0, 0, 0",
        "11, 10, 7, 7, 2, 2, 3, 3, 3, 3",
        "7, 6, 3, 5, 2, 2, 0, 1, 2, 1",
        "7, 11, 3, 2, 3, 2, 0, 0, 0, 0",
        "9, 8, 2, 3, 1, 2, 1, 0, 1, 0",
        "4, 4, 4, 4, 4, 4, 0, 0, 0, 0",
        "2, 2, 5, 5, 1, 1, 2, 2, 2, 2"
    })
    void patches_are_those_of_the_readable_kernels(
            int height, int width, int kh, int kw, int down, int across, int top, int bottom, int left, int right) {
        Patches p = Patches.of(height, width, kh, kw, down, across, top, bottom, left, right);
        int in = IMAGES * p.pixels();
        int out = IMAGES * p.outPixels();
        int columns = p.taps() * CHANNELS;
        alike(new int[][] {{in, CHANNELS}, {out, columns}}, (k, t) -> k.images().patches(p, 0, t.get(0), t.get(1)));
        alike(new int[][] {{out, columns}, {in, CHANNELS}}, (k, t) -> k.images().addPatches(p, 0, t.get(0), t.get(1)));
        int first = p.outPixels() / 2; // some patches of both images
        int some = out - first - 1;
        alike(new int[][] {{in, CHANNELS}, {some, columns}}, (k, t) -> k.images()
                .patches(p, first, t.get(0), t.get(1)));
        alike(new int[][] {{some, columns}, {in, CHANNELS}}, (k, t) -> k.images()
                .addPatches(p, first, t.get(0), t.get(1)));
        alike(new int[][] {{in, 2 * CHANNELS}, {out, columns}}, (k, t) -> k.images()
                .patches(p, 0, t.get(0).columns(CHANNELS, CHANNELS), t.get(1)));
        alike(new int[][] {{in, CHANNELS}, {CHANNELS, p.taps()}, {out, CHANNELS}}, (k, t) -> k.images()
                .depthwise(p, t.get(0), t.get(1), t.get(2)));
        alike(
                new int[][] {{out, CHANNELS}, {in, CHANNELS}, {CHANNELS, p.taps()}, {in, CHANNELS}, {CHANNELS, p.taps()}
                },
                (k, t) -> k.images().depthwiseBackward(p, t.get(0), t.get(1), t.get(2), t.get(3), t.get(4)));
        alike(new int[][] {{in, CHANNELS}, {out, CHANNELS}}, (k, t) -> k.images()
                .maxPool(p, t.get(0), t.get(1)));
        alike(new int[][] {{out, CHANNELS}, {in, CHANNELS}, {in, CHANNELS}}, (k, t) -> k.images()
                .maxPoolBackward(p, t.get(0), t.get(1), t.get(2)));
    }

    @Test
    void patches_beside_an_image_are_not_those_of_its_pixels() {
        assertTrue(Patches.of(3, 4, 1, 1, 1, 0).isWhole());
        for (int side = 0; side < 4; side++) {
            int[] sides = new int[4];
            sides[side] = 1;
            Patches p = Patches.of(3, 4, 1, 1, 1, 1, sides[0], sides[1], sides[2], sides[3]);
            assertFalse(p.isWhole(), p::toString);
        }
    }

    @Test
    void channels_of_weights_are_turned_as_by_the_readable_kernels() {
        int[] weight = {4, 6 * CHANNELS};
        alike(new int[][] {weight, weight}, (k, t) -> k.images().channelsLast(6, t.get(0), t.get(1)));
        alike(new int[][] {weight, weight}, (k, t) -> k.images().addChannelsLast(6, t.get(0), t.get(1)));
    }

    @Test
    void columns_are_normalised_as_by_the_readable_kernels() {
        int rows = 700;
        int[] row = {1, CHANNELS};
        int[] x = {rows, CHANNELS};
        alike(new int[][] {x, row, row}, (k, t) -> k.images().columnMoments(t.get(0), t.get(1), t.get(2)));
        alike(new int[][] {x, row, row, row, row, x}, (k, t) -> {
            k.abs(t.get(2), t.get(2));
            k.images().columnNorm(t.get(0), t.get(1), t.get(2), 1e-3, t.get(3), t.get(4), t.get(5));
        });
        for (boolean ofBatch : new boolean[] {false, true}) {
            for (boolean add : new boolean[] {false, true}) {
                alike(new int[][] {x, x, row, row, row, x, row, row}, (k, t) -> {
                    k.abs(t.get(3), t.get(3));
                    k.images()
                            .columnNormBackward(
                                    t.get(0), t.get(1), t.get(2), t.get(3), 1e-1, t.get(4), ofBatch, t.get(5), add,
                                    t.get(6), t.get(7));
                });
            }
        }
    }

    @Test
    void what_follows_a_norm_is_computed_with_it_also_in_its_place() {
        int[] row = {1, CHANNELS};
        int[] x = {700, CHANNELS};
        alike(new int[][] {x, row, row, row, row, x}, (k, t) -> {
            k.abs(t.get(2), t.get(2));
            k.images().columnNorm(t.get(0), t.get(1), t.get(2), 1e-3, t.get(3), t.get(4), true, t.get(5));
            k.images().columnNorm(t.get(0), t.get(1), t.get(2), 1e-3, t.get(3), t.get(4), true, t.get(0));
            double[] y = t.get(0).toDoubles();
            assertTrue(
                    Arrays.stream(y).allMatch(v -> v >= 0) && Arrays.stream(y).anyMatch(v -> v > 0));
        });
        alike(new int[][] {x, x, x}, (k, t) -> {
            k.images().addRectified(t.get(0), t.get(1), t.get(2));
            k.images().addRectified(t.get(0), t.get(1), t.get(0));
            assertArrayEquals(t.get(2).toDoubles(), t.get(0).toDoubles());
        });
    }

    @Test
    void only_what_is_greater_than_zero_has_a_derivative() {
        float[] x = {1, -1, 0, -0f, Float.MIN_VALUE, -Float.MIN_VALUE, Float.MAX_VALUE, Float.POSITIVE_INFINITY, -1e30f
        };
        float[] dy = {2, 3, 4, 5, -6, 7, 8, 9, Float.NaN};
        float[] expected = {2, 0, 0, 0, -6, 0, 8, 9, 0};
        try (Tensor in = Tensor.allocate(DType.F32, 1, x.length);
                Tensor grad = Tensor.allocate(DType.F32, 1, x.length);
                Tensor out = Tensor.zeros(DType.F32, 1, x.length)) {
            in.set(x);
            grad.set(dy);
            Kernels k = Backend.host().kernels();
            k.activationBackward(Activation.RELU, grad, in, out, false);
            assertArrayEquals(expected, out.toFloats());
            k.activationBackward(Activation.RELU, grad, in, out, true);
            assertEquals(4, out.toFloats()[0]);
            k.activationBackward(Activation.RELU, grad, in, grad, false); // in its place
            assertArrayEquals(expected, grad.toFloats());
        }
    }

    @Test
    void the_derivative_of_batch_norm_is_that_of_finite_differences() {
        Kernels k = Backend.nd4j(DType.F64).kernels();
        int rows = 6;
        for (boolean ofBatch : new boolean[] {false, true}) {
            Tensor x = random(DType.F64, rows, CHANNELS, 1);
            Tensor dy = random(DType.F64, rows, CHANNELS, 2);
            Tensor w = random(DType.F64, 1, CHANNELS, 3);
            Tensor b = random(DType.F64, 1, CHANNELS, 4);
            Tensor mean = Tensor.zeros(DType.F64, 1, CHANNELS);
            Tensor variance = Tensor.allocate(DType.F64, 1, CHANNELS);
            variance.fill(0.7);
            Tensor y = Tensor.zeros(DType.F64, rows, CHANNELS);
            Tensor dx = Tensor.zeros(DType.F64, rows, CHANNELS);
            Tensor dw = Tensor.zeros(DType.F64, 1, CHANNELS);
            Tensor db = Tensor.zeros(DType.F64, 1, CHANNELS);
            Runnable forward = () -> {
                if (ofBatch) {
                    k.images().columnMoments(x, mean, variance);
                }
                k.images().columnNorm(x, mean, variance, 1e-3, w, b, y);
            };
            forward.run();
            k.images().columnNormBackward(dy, x, mean, variance, 1e-3, w, ofBatch, dx, false, dw, db);
            differs(x, dx, forward, k, dy, y);
            differs(w, dw, forward, k, dy, y);
            differs(b, db, forward, k, dy, y);
            List.of(x, dy, w, b, mean, variance, y, dx, dw, db).forEach(Tensor::close);
        }
    }

    private static void differs(Tensor x, Tensor dx, Runnable forward, Kernels k, Tensor dy, Tensor y) {
        for (int r = 0; r < x.rows(); r++) {
            for (int c = 0; c < x.cols(); c++) {
                double before = x.get(r, c);
                x.set(r, c, before + STEP);
                forward.run();
                double up = k.dot(dy, y);
                x.set(r, c, before - STEP);
                forward.run();
                double down = k.dot(dy, y);
                x.set(r, c, before);
                assertEquals((up - down) / (2 * STEP), dx.get(r, c), 1e-7, "row " + r + ", column " + c);
            }
        }
        forward.run();
    }

    @Test
    void moments_of_many_rows_that_are_far_from_zero_are_exact() {
        try (Backend host = Backend.host(2);
                Tensor x = Tensor.allocate(DType.F32, 100_000, 2);
                Tensor mean = Tensor.allocate(DType.F32, 1, 2);
                Tensor variance = Tensor.allocate(DType.F32, 1, 2)) {
            float[] values = new float[200_000];
            for (int i = 0; i < values.length; i++) {
                values[i] = 100 + (i / 2 % 2 == 0 ? 1 : -1);
            }
            x.set(values);
            host.kernels().images().columnMoments(x, mean, variance);
            assertEquals(100, mean.get(0, 0), 1e-5);
            assertEquals(1, variance.get(0, 1), 1e-6);
        }
    }

    @Test
    void images_that_are_smaller_than_a_patch_are_refused() {
        String said = String.valueOf(assertThrows(BadInputException.class, () -> Patches.of(2, 9, 3, 3, 1, 0))
                .getMessage());
        assertTrue(said.contains("2 x 9"), said);
    }
}
