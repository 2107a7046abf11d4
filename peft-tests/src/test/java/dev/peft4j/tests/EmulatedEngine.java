package dev.peft4j.tests;

import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Bf16;
import dev.peft4j.core.tensor.Bf16Engine;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.MatrixEngine;
import dev.peft4j.core.tensor.NativeBytes;
import dev.peft4j.core.tensor.Tensor;

/** An engine of an application that rounds operands to bfloat16 and lets another one multiply; it allocates for each product. */
record EmulatedEngine(MatrixEngine single) implements MatrixEngine {
    static Backend backend(Backend plain) {
        return new Backend(
                "emulated bf16 over " + plain.name(),
                plain.dtype(),
                new EmulatedEngine(plain.matrices()),
                plain.kernels());
    }

    /** A backend that has no products of 16 bits, whatever the processor has. */
    static Backend without(Backend plain) {
        MatrixEngine all = plain.matrices();
        MatrixEngine single = (ta, tb, alpha, a, b, beta, c) -> all.gemm(ta, tb, alpha, a, b, beta, c);
        return new Backend(plain.name() + " without bf16", plain.dtype(), single, plain.kernels());
    }

    @Override
    public void gemm(boolean transposeA, boolean transposeB, double alpha, Tensor a, Tensor b, double beta, Tensor c) {
        single.gemm(transposeA, transposeB, alpha, a, b, beta, c);
    }

    @Override
    public Bf16Engine bf16() {
        return new Rounded(single);
    }

    private record Rounded(MatrixEngine single) implements Bf16Engine {
        @Override
        public void gemm(
                boolean transposeA, boolean transposeB, double alpha, Tensor a, Tensor b, double beta, Tensor c) {
            try (Tensor x = round(a);
                    Tensor y = round(b)) {
                single.gemm(transposeA, transposeB, alpha, x, y, beta, c);
            }
        }

        @Override
        public void gemm(Tensor a, boolean transposeB, NativeBytes b, double beta, Tensor c) {
            int rows = transposeB ? c.cols() : a.cols();
            int cols = transposeB ? a.cols() : c.cols();
            int pairs = (cols + 1) / 2;
            float[] wide = new float[rows * cols];
            int[] packed = new int[pairs];
            int[] bits = new int[2 * pairs];
            for (int r = 0; r < rows; r++) {
                b.read((long) r * pairs, packed, pairs);
                Bf16.unpack(packed, pairs, bits);
                for (int i = 0; i < cols; i++) {
                    wide[r * cols + i] = Float.intBitsToFloat(bits[i]);
                }
            }
            try (Tensor x = round(a);
                    Tensor y = Tensor.of(DType.F32, rows, cols, wide)) {
                single.gemm(false, transposeB, 1, x, y, beta, c);
            }
        }

        private static Tensor round(Tensor t) {
            float[] values = t.toFloats();
            for (int i = 0; i < values.length; i++) {
                values[i] = Float.intBitsToFloat(Bf16.round(Float.floatToRawIntBits(values[i])) << 16);
            }
            return Tensor.of(t.dtype(), t.rows(), t.cols(), values);
        }
    }
}
