package dev.peft4j.onednn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.ImageKernels;
import dev.peft4j.core.tensor.Patches;
import dev.peft4j.core.tensor.Tensor;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Convolutions of oneDNN beside products of patches in double precision, and bits that do not depend on threads. */
class ConvolutionTest {
    private static Tensor random(DType dtype, int rows, int cols, long seed) {
        Tensor t = Tensor.allocate(dtype, rows, cols);
        t.set(new Random(seed)
                .doubles((long) rows * cols, -1, 1)
                .map(v -> (float) v)
                .toArray());
        return t;
    }

    /** What is computed: y, y + what was there, dx and dW. */
    private record Results(double[] y, double[] sum, double[] dx, double[] dWeight) {}

    private static Results direct(Backend backend, Patches p, int images, int in, int out) {
        ImageKernels k = backend.kernels().images();
        try (Tensor x = random(DType.F32, images * p.pixels(), in, 1);
                Tensor w = random(DType.F32, out, in * p.taps(), 2);
                Tensor y = random(DType.F32, images * p.outPixels(), out, 3);
                Tensor sum = random(DType.F32, images * p.outPixels(), out, 3);
                Tensor dx = random(DType.F32, images * p.pixels(), in, 4);
                Tensor dw = random(DType.F32, out, in * p.taps(), 5)) {
            assertTrue(k.convolves(p, x, y));
            k.convolve(p, x, w, 1, sum);
            k.convolveBackward(p, y, w, dx);
            k.addConvolvedWeight(p, y, x, dw);
            k.convolve(p, x, w, 0, y);
            return new Results(y.toDoubles(), sum.toDoubles(), dx.toDoubles(), dw.toDoubles());
        }
    }

    private static Results byPatches(Patches p, int images, int in, int out) {
        Backend exact = Backend.nd4j(DType.F64);
        ImageKernels k = exact.kernels().images();
        int width = in * p.taps();
        try (Tensor x = random(DType.F64, images * p.pixels(), in, 1);
                Tensor w = random(DType.F64, out, width, 2);
                Tensor turned = Tensor.allocate(DType.F64, out, width);
                Tensor y = random(DType.F64, images * p.outPixels(), out, 3);
                Tensor sum = random(DType.F64, images * p.outPixels(), out, 3);
                Tensor dx = Tensor.zeros(DType.F64, images * p.pixels(), in);
                Tensor dTurned = Tensor.allocate(DType.F64, out, width);
                Tensor dw = random(DType.F64, out, width, 5);
                Tensor columns = Tensor.allocate(DType.F64, images * p.outPixels(), width);
                Tensor dColumns = Tensor.allocate(DType.F64, images * p.outPixels(), width)) {
            k.channelsLast(p.taps(), w, turned);
            k.patches(p, 0, x, columns);
            exact.matrices().gemm(false, true, 1, columns, turned, 1, sum);
            exact.matrices().gemm(false, false, 1, y, turned, 0, dColumns);
            k.addPatches(p, 0, dColumns, dx);
            exact.matrices().gemm(true, false, 1, y, columns, 0, dTurned);
            k.addChannelsLast(p.taps(), dTurned, dw);
            exact.matrices().gemm(false, true, 1, columns, turned, 0, y);
            return new Results(y.toDoubles(), sum.toDoubles(), dx.toDoubles(), dw.toDoubles());
        }
    }

    @ParameterizedTest(
            name =
                    "{0} images {1} x {2}, channels {3} {4}, kernel {5} x {6}, strides {7} {8}, sides {9} {10} {11} {12}")
    @CsvSource({
        "3, 9, 8, 5, 7, 3, 3, 1, 1, 1, 1, 1, 1",
        "4, 9, 8, 16, 32, 3, 3, 2, 2, 1, 1, 1, 1",
        "5, 8, 8, 12, 8, 1, 1, 2, 2, 0, 0, 0, 0",
        "2, 5, 6, 20, 33, 1, 1, 1, 1, 0, 0, 0, 0",
        "2, 5, 6, 64, 24, 1, 1, 1, 2, 0, 0, 0, 0",
        "3, 19, 22, 3, 6, 7, 7, 2, 2, 3, 3, 3, 3",
        "3, 7, 6, 4, 9, 3, 5, 2, 2, 0, 1, 2, 1",
        "2, 7, 11, 1, 2, 3, 2, 3, 2, 0, 0, 0, 0",
        "7, 8, 8, 3, 40, 4, 4, 4, 4, 0, 0, 0, 0",
        "3, 2, 2, 8, 8, 5, 5, 1, 1, 2, 2, 2, 2"
    })
    void results_and_gradients_are_those_of_patches(
            int images,
            int height,
            int width,
            int in,
            int out,
            int kernelHeight,
            int kernelWidth,
            int down,
            int across,
            int top,
            int bottom,
            int left,
            int right) {
        Patches p = Patches.of(height, width, kernelHeight, kernelWidth, down, across, top, bottom, left, right);
        Results expected = byPatches(p, images, in, out);
        try (Backend one = Backend.host(1);
                Backend three = Backend.host(3)) {
            Results found = direct(one, p, images, in, out);
            assertArrayEquals(expected.y, found.y, 2e-5);
            assertArrayEquals(expected.sum, found.sum, 2e-5);
            assertArrayEquals(expected.dx, found.dx, 2e-5);
            assertArrayEquals(expected.dWeight, found.dWeight, 5e-5);
            Results others = direct(three, p, images, in, out);
            assertArrayEquals(found.y, others.y);
            assertArrayEquals(found.sum, others.sum);
            assertArrayEquals(found.dx, others.dx);
            assertArrayEquals(found.dWeight, others.dWeight);
        }
    }

    @Test
    void a_single_image_and_columns_of_a_wider_matrix_are_left_to_products() {
        Patches p = Patches.of(6, 6, 3, 3, 1, 1);
        ImageKernels k = Backend.host().kernels().images();
        try (Tensor x = Tensor.zeros(DType.F32, 4 * 36, 6);
                Tensor y = Tensor.zeros(DType.F32, 4 * 36, 4)) {
            assertTrue(k.convolves(p, x, y));
            assertFalse(k.convolves(p, x.rows(0, 36), y.rows(0, 36)));
            assertFalse(k.convolves(p, x.columns(0, 3), y));
            assertFalse(k.convolves(p, x, y.columns(1, 3)));
        }
    }

    @Test
    void kernels_without_convolutions_say_so() {
        ImageKernels k = Backend.nd4j(DType.F32).kernels().images();
        Patches p = Patches.of(2, 2, 1, 1, 1, 0);
        try (Tensor x = Tensor.zeros(DType.F32, 8, 1)) {
            assertFalse(k.convolves(p, x, x));
            String message = assertThrows(WrongUseException.class, () -> k.convolve(p, x, x, 0, x))
                    .getMessage();
            assertTrue(String.valueOf(message).contains("copy patches"), message);
        }
    }
}
