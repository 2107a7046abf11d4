package dev.peft4j.onednn;

import dev.peft4j.core.error.BackendException;
import dev.peft4j.core.tensor.HostConvolutions.Convolution;
import dev.peft4j.core.tensor.HostProducts.Format;
import dev.peft4j.core.tensor.HostProducts.Operand;
import dev.peft4j.core.tensor.HostProducts.Product;
import dev.peft4j.core.tensor.HostProducts.WorkingMemory;
import java.lang.ref.Cleaner;
import org.bytedeco.dnnl.dnnl_stream;
import org.bytedeco.dnnl.global.dnnl;

/**
 * The compiled products and convolutions of a thread. To compile one takes about a millisecond, and the number of tokens is another one in each batch: so what is counted in
 * tokens is cut into pieces of a few sizes and less than eight that are left, unless it is few: to read a weight twice for them takes longer. Products of 16 and 8
 * bits copy the second operand in each piece, so there are fewer of them.
 */
final class Primitives {
    static final int SMALLEST_PIECE = 32;

    private static final int[] PIECES = {512, 256, 128, 64, SMALLEST_PIECE, 16, 8};
    private static final int LARGEST_PIECE = 512;
    private static final int COPYING_UNIT = 64;
    private static final Cleaner CLEANER = Cleaner.create();
    private static final ThreadLocal<Primitives> LOCAL = ThreadLocal.withInitial(Primitives::new);

    private final Natives natives = new Natives();

    /** What oneDNN compiles: everything but addresses. */
    record Key(
            Format format,
            int m,
            int n,
            int k,
            boolean transposeA,
            int strideA,
            boolean transposeB,
            int strideB,
            int strideC,
            float alpha,
            float beta) {}

    /** What is given back when the thread has ended. */
    private static final class Natives implements Runnable {
        final dnnl_stream stream = new dnnl_stream();
        final Cache<Key, Primitive> products = new Cache<>(Primitive::new, Primitive::close);
        final Cache<Convolution, ConvolutionPrimitive> convolutions =
                new Cache<>(ConvolutionPrimitive::new, ConvolutionPrimitive::close);

        Natives() {
            check(
                    dnnl.dnnl_stream_create(stream, OneDnn.Engine.HANDLE, dnnl.dnnl_stream_default_flags),
                    "stream of this thread");
        }

        @Override
        public void run() {
            products.close();
            convolutions.close();
            dnnl.dnnl_stream_destroy(stream);
        }
    }

    private Primitives() {
        CLEANER.register(this, natives);
    }

    static Primitives ofThisThread() {
        return LOCAL.get();
    }

    /** Computes a product in pieces. */
    void compute(Product p, WorkingMemory memory) {
        boolean rows = !p.a().isTransposed(); // then M counts tokens, else K does
        int all = rows ? p.m() : p.k();
        for (int from = 0, piece; from < all; from += piece) {
            piece = all <= SMALLEST_PIECE ? all : piece(p.format(), all - from);
            Key key = new Key(
                    p.format(),
                    rows ? piece : p.m(),
                    p.n(),
                    rows ? p.k() : piece,
                    p.a().isTransposed(),
                    p.a().stride(),
                    p.b().isTransposed(),
                    p.b().stride(),
                    p.strideC(),
                    (float) p.alpha(),
                    rows || from == 0 ? (float) p.beta() : 1f);
            int bytes = Primitive.bytes(p.format());
            long a = p.a().address() + (long) bytes * from * p.a().stride();
            long b = rows ? p.b().address() : at(p.b(), from, bytes);
            long c = rows ? p.c() + (long) Float.BYTES * from * p.strideC() : p.c();
            natives.products.get(key).compute(natives.stream, a, b, c, memory);
        }
    }

    ConvolutionPrimitive convolution(Convolution convolution) {
        return natives.convolutions.get(convolution);
    }

    dnnl_stream stream() {
        return natives.stream;
    }

    /** Where a row of op(b) begins. */
    private static long at(Operand b, int row, int bytes) {
        return b.address() + (long) bytes * row * (b.isTransposed() ? 1 : b.stride());
    }

    /** How much of what is left is computed at once. */
    static int piece(Format format, int left) {
        if (format != Format.F32 && left >= COPYING_UNIT) {
            return Math.min(LARGEST_PIECE, left / COPYING_UNIT * COPYING_UNIT);
        }
        for (int size : PIECES) {
            if (size <= left) {
                return size;
            }
        }
        return left;
    }

    /** Ends what oneDNN did not do. */
    static void check(int status, String what) {
        if (status != dnnl.dnnl_success) {
            throw new BackendException("oneDNN was to make the " + what + ", and answered with its status " + status
                    + (status == dnnl.dnnl_out_of_memory ? ", which means that memory is exhausted" : "")
                    + ". Set -Dpeft4j.engine=openblas to compute without it.");
        }
    }
}
