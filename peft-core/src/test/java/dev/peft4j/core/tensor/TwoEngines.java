package dev.peft4j.core.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.AfterEach;

/** The host engine and the ND4J one in double precision with the same seeded random matrices, for tests that compare them. */
abstract class TwoEngines {
    static final long SEED = 20240607;
    final Backend host = Backend.host();
    final Backend reference = Backend.nd4j(DType.F64);
    final SplittableRandom random = new SplittableRandom(SEED);
    final List<Tensor> open = new ArrayList<>();

    @AfterEach
    void free() {
        open.forEach(Tensor::close);
    }

    /** The same values in single and in double precision. */
    record Pair(Tensor f32, Tensor f64) {
        Tensor of(Backend b) {
            return b.dtype() == DType.F32 ? f32 : f64;
        }

        Pair rows(int from, int count) {
            return new Pair(f32.rows(from, count), f64.rows(from, count));
        }

        Pair columns(int from, int count) {
            return new Pair(f32.columns(from, count), f64.columns(from, count));
        }
    }

    Pair matrix(int rows, int cols) {
        Tensor f32 = Tensor.allocate(DType.F32, rows, cols);
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < cols; c++) {
                f32.set(r, c, random.nextGaussian());
            }
        }
        Tensor f64 = f32.copy(DType.F64);
        open.add(f32);
        open.add(f64);
        return new Pair(f32, f64);
    }

    void onBoth(BiConsumer<Backend, Boolean> body) {
        body.accept(host, true);
        body.accept(reference, false);
    }

    static void assertSame(Pair p, double tolerance) {
        for (int r = 0; r < p.f32.rows(); r++) {
            for (int c = 0; c < p.f32.cols(); c++) {
                int row = r;
                int col = c;
                double expected = p.f64.get(r, c);
                assertEquals(
                        expected,
                        p.f32.get(r, c),
                        tolerance * Math.max(1, Math.abs(expected)),
                        () -> "seed " + SEED + ", element " + row + ", " + col);
            }
        }
    }
}
