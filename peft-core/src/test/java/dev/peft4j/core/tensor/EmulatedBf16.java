package dev.peft4j.core.tensor;

import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.ShortPointer;

/** Products of 16 bits as a processor with instructions for them computes them, by widening the operands: tests run everywhere. */
public final class EmulatedBf16 implements HostProducts {
    private EmulatedBf16() {}

    /** A backend of the host with such products on one thread, which has nothing to close. */
    public static Backend backend() {
        return backend(new Workers(1));
    }

    /** The same on some workers. */
    static Backend backend(Workers workers) {
        return new Backend(
                "host with emulated bf16",
                DType.F32,
                new HostMatrixEngine(workers, new EmulatedBf16()),
                new HostKernels(workers, null));
    }

    private static final class Numbers extends ShortPointer {
        Numbers(long place, long count) {
            super((Pointer) null);
            address = place;
            limit = count;
            capacity = count;
        }
    }

    @Override
    public String name() {
        return "emulated";
    }

    @Override
    public String load() {
        return "emulated";
    }

    @Override
    public boolean has(Format format) {
        return format != Format.INT8;
    }

    @Override
    public int faster(boolean transposeA, boolean transposeB, int m, int n, int k) {
        return 0;
    }

    @Override
    public void compute(Product p, WorkingMemory memory) {
        Operand a = p.a();
        Operand b = p.b();
        try (Tensor x = widen(a, a.isTransposed() ? p.k() : p.m(), a.isTransposed() ? p.m() : p.k());
                Tensor y = widen(b, b.isTransposed() ? p.n() : p.k(), b.isTransposed() ? p.k() : p.n())) {
            HostMatrixEngine.sgemm(
                    a.isTransposed(),
                    b.isTransposed(),
                    p.m(),
                    p.n(),
                    p.k(),
                    (float) p.alpha(),
                    x.address(),
                    x.stride(),
                    y.address(),
                    y.stride(),
                    (float) p.beta(),
                    p.c(),
                    p.strideC());
        }
    }

    private static Tensor widen(Operand operand, int rows, int cols) {
        Tensor wide = Tensor.allocate(DType.F32, rows, cols);
        short[] row = new short[cols];
        int[] bits = new int[cols];
        for (int r = 0; r < rows; r++) {
            new Numbers(operand.address() + (long) Short.BYTES * r * operand.stride(), cols).get(row);
            for (int c = 0; c < cols; c++) {
                bits[c] = row[c] << 16;
            }
            wide.writeBits(r, 0, bits, cols);
        }
        return wide;
    }
}
