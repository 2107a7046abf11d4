package dev.peft4j.core.tensor;

import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * One block of native memory, at most 2 GiB, seen as an address (for BLAS) and as a buffer (for copies of rows).
 *
 * <p>Whoever reads or writes it over some time counts as a user meanwhile ({@link #enter}, {@link #leave}). Closing it ends new uses at once; the memory is
 * freed when the last user has left, so nobody reads memory that was freed. What is forgotten is freed by the garbage collector, which says so once.
 */
final class NativeMemory implements AutoCloseable {
    private static final NativeLibrary JAVACPP =
            new NativeLibrary("org.bytedeco:javacpp", "org/bytedeco/javacpp", 1, () -> Pointer.free(Pointer.malloc(1)));
    private static final int ALIGNMENT = 64; // a cache line, and the width of an AVX-512 register
    private static final AtomicLong ALLOCATIONS = new AtomicLong();

    private static final int CLOSED = Integer.MIN_VALUE; // beside the number of users

    private final AtomicInteger users = new AtomicInteger();
    private final NativeBlock block;
    private final Cleaner.Cleanable freeing;
    private final long bytes;
    private final long address;
    private final ByteBuffer buffer;
    private final FloatBuffer floats;
    private final DoubleBuffer doubles;
    private final AtomicBoolean claimed = new AtomicBoolean();
    private volatile boolean closed;

    NativeMemory(DType dtype, long elements, boolean zeroed, NativeBlock.Owner owner, String what) {
        bytes = elements * dtype.bytes();
        if (elements < 0 || bytes > Integer.MAX_VALUE - ALIGNMENT) {
            throw new IllegalArgumentException(
                    "a tensor of " + elements + " " + dtype + " elements was asked for; one tensor"
                            + " holds at most 2 GiB. Use a model with smaller matrices.");
        }
        JAVACPP.load();
        long size = bytes + ALIGNMENT;
        NativeBlock taken = new NativeBlock(bytes, size, zeroed, owner, what);
        ALLOCATIONS.incrementAndGet();
        block = taken;
        freeing = taken.freeWith(this);
        address = (taken.pointer.address() + ALIGNMENT - 1) & -ALIGNMENT;
        // of the whole block, cut by Java: for a capacity of 0 JavaCPP gives a buffer of one byte
        buffer = slice(
                new BytePointer(taken.pointer).capacity(size).asByteBuffer(),
                Math.toIntExact(address - taken.pointer.address()),
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
            throw closedError();
        }
        return this;
    }

    private static IllegalStateException closedError() {
        return new IllegalStateException(
                "a tensor was used after it, or the model, adapter or arena that owns it, was closed."
                        + " Close them when nothing uses them any more.");
    }

    /**
     * Begins a use: the memory lasts until {@link #leave}.
     *
     * @throws IllegalStateException if it is closed
     */
    void enter() {
        if (users.getAndIncrement() < 0) {
            leave();
            throw closedError();
        }
    }

    /** Ends a use; the last one of closed memory frees it. */
    void leave() {
        if (users.decrementAndGet() == CLOSED) {
            freeing.clean();
        }
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

    ByteBuffer bytes(long offset, long length) {
        return slice(live().buffer, Math.toIntExact(offset), length);
    }

    /** See {@link Tensor#claim}. */
    AtomicBoolean claimed() {
        return claimed;
    }

    /** Ends new uses; frees the memory at once, or when the last use ends. */
    @Override
    public void close() {
        block.close();
        closed = true;
        if (users.getAndUpdate(n -> n | CLOSED) == 0) {
            freeing.clean();
        }
    }
}
