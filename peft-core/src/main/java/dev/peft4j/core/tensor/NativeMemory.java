package dev.peft4j.core.tensor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.util.concurrent.atomic.AtomicLong;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/** One block of native memory, at most 2 GiB, seen as an address (for BLAS) and as a buffer (for copies of rows). */
final class NativeMemory implements AutoCloseable {
    private static final NativeLibrary JAVACPP =
            new NativeLibrary("org.bytedeco:javacpp", "org/bytedeco/javacpp", 1, () -> Pointer.free(Pointer.malloc(1)));
    private static final int ALIGNMENT = 64; // a cache line, and the width of an AVX-512 register
    private static final AtomicLong ALLOCATIONS = new AtomicLong();
    private static final AtomicLong LIVE_BYTES = new AtomicLong();

    private final Pointer block;
    private final long bytes;
    private final long address;
    private final ByteBuffer buffer;
    private final FloatBuffer floats;
    private final DoubleBuffer doubles;
    private volatile boolean closed;

    NativeMemory(DType dtype, long elements, boolean zeroed) {
        bytes = elements * dtype.bytes();
        if (elements < 0 || bytes > Integer.MAX_VALUE - ALIGNMENT) {
            throw new IllegalArgumentException(
                    "a tensor of " + elements + " " + dtype + " elements was asked for; one tensor"
                            + " holds at most 2 GiB. Use a model with smaller matrices.");
        }
        JAVACPP.load();
        long size = bytes + ALIGNMENT;
        block = zeroed ? Pointer.calloc(1, size) : Pointer.malloc(size);
        if (block == null || block.isNull()) {
            throw new OutOfMemoryError("no native memory left for " + size + " bytes; " + LIVE_BYTES.get()
                    + " bytes are in use by tensors. Use a smaller batch or model.");
        }
        ALLOCATIONS.incrementAndGet();
        LIVE_BYTES.addAndGet(bytes);
        address = (block.address() + ALIGNMENT - 1) & -ALIGNMENT;
        // of the whole block, cut by Java: for a capacity of 0 JavaCPP gives a buffer of one byte
        buffer = slice(
                new BytePointer(block).capacity(size).asByteBuffer(),
                Math.toIntExact(address - block.address()),
                bytes);
        floats = buffer.asFloatBuffer();
        doubles = buffer.asDoubleBuffer();
    }

    private static ByteBuffer slice(ByteBuffer of, int from, long length) {
        return of.slice(from, Math.toIntExact(length)).order(ByteOrder.nativeOrder());
    }

    /** Itself, to be asked before each use. */
    private NativeMemory live() {
        if (closed) {
            throw new IllegalStateException(
                    "a tensor was used after it, or the model, adapter or arena that owns it, was closed."
                            + " Close them when nothing uses them any more.");
        }
        return this;
    }

    long address() {
        return live().address;
    }

    FloatBuffer floats() {
        return live().floats;
    }

    DoubleBuffer doubles() {
        return live().doubles;
    }

    /** Blocks allocated since the start of the process; flat over the steps of a training run that is in steady state. */
    static long allocations() {
        return ALLOCATIONS.get();
    }

    static long liveBytes() {
        return LIVE_BYTES.get();
    }

    ByteBuffer bytes(long offset, long length) {
        return slice(live().buffer, Math.toIntExact(offset), length);
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            LIVE_BYTES.addAndGet(-bytes);
            Pointer.free(block);
        }
    }
}
