package dev.peft4j.core.tensor;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * One block of native memory, seen as an address (for BLAS) and as buffers (for copies of rows). A buffer of Java ends at 2 GiB, so there is one for every
 * GiB, which goes on for another one behind it: what begins in a segment and has less than a GiB lies in its buffer.
 *
 * <p>Whoever reads or writes it over some time counts as a user meanwhile ({@link #enter}, {@link #leave}). Closing it ends new uses at once; the memory is
 * freed when the last user has left, so nobody reads memory that was freed. What is forgotten is freed by the garbage collector, which says so once.
 */
final class NativeMemory implements AutoCloseable {
    private static final NativeLibrary JAVACPP =
            new NativeLibrary("org.bytedeco:javacpp", "org/bytedeco/javacpp", 1, () -> Pointer.free(Pointer.malloc(1)));
    private static final int ALIGNMENT = 64; // a cache line, and the width of an AVX-512 register
    private static final AtomicLong ALLOCATIONS = new AtomicLong();

    private static final int SEGMENT_BITS = 30; // a GiB
    private static final int FLOAT_BITS = SEGMENT_BITS - 2;
    private static final int DOUBLE_BITS = SEGMENT_BITS - 3;
    private static final long LARGEST = 1L << 47; // an address space of today's processors
    private static final long LARGEST_BUFFER = Integer.MAX_VALUE - ALIGNMENT;
    private static final int CLOSED = Integer.MIN_VALUE; // beside the number of users

    private final AtomicInteger users = new AtomicInteger();
    private final NativeBlock block;
    private final Cleaner.Cleanable freeing;
    private final long bytes;
    private final long address;
    private final Segment[] segments;
    private final AtomicBoolean claimed = new AtomicBoolean();
    private volatile boolean closed;

    private record Segment(ByteBuffer bytes, IntBuffer ints, FloatBuffer floats, DoubleBuffer doubles) {}

    NativeMemory(DType dtype, long elements, boolean zeroed, NativeBlock.Owner owner, String what) {
        this(bytes(dtype, elements), zeroed, owner, what);
    }

    private static long bytes(DType dtype, long elements) {
        if (elements < 0 || elements > LARGEST / dtype.bytes()) {
            throw new BadInputException("a tensor of " + elements + " " + dtype + " elements was asked for; "
                    + (LARGEST >> 40) + " TiB are the most. Check the sizes that it is made of.");
        }
        return elements * dtype.bytes();
    }

    NativeMemory(long bytes, boolean zeroed, NativeBlock.Owner owner, String what) {
        JAVACPP.load();
        NativeBlock taken = new NativeBlock(bytes, bytes + ALIGNMENT, zeroed, owner, what);
        ALLOCATIONS.incrementAndGet();
        this.bytes = bytes;
        block = taken;
        freeing = taken.freeWith(this);
        address = (taken.pointer.address() + ALIGNMENT - 1) & -ALIGNMENT;
        segments = new Segment[Math.max(1, (int) ((bytes + (1L << SEGMENT_BITS) - 1) >> SEGMENT_BITS))];
        for (int i = 0; i < segments.length; i++) {
            segments[i] = segment((long) i << SEGMENT_BITS);
        }
    }

    private Segment segment(long from) {
        int length = (int) Math.min(LARGEST_BUFFER, bytes - from);
        // cut by Java: for a capacity of 0 JavaCPP gives a buffer of one byte
        ByteBuffer part =
                new At(address + from, length).asByteBuffer().slice(0, length).order(ByteOrder.nativeOrder());
        return new Segment(part, part.asIntBuffer(), part.asFloatBuffer(), part.asDoubleBuffer());
    }

    /** A place in memory. */
    private static final class At extends BytePointer {
        At(long place, long length) {
            super((Pointer) null);
            address = place;
            limit = length;
            capacity = length;
        }
    }

    /** Itself, to be asked before each use. */
    private NativeMemory live() {
        if (closed) {
            throw closedError();
        }
        return this;
    }

    private static IllegalStateException closedError() {
        return new WrongUseException(
                "a tensor was used after it, or the model, adapter or arena that owns it, was closed."
                        + " Close them when nothing uses them any more.");
    }

    /**
     * Begins a use: the memory lasts until {@link #leave}.
     *
     * @throws WrongUseException if it is closed
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

    /** The buffer in which a float begins, at {@link #floatIndex}. */
    FloatBuffer floats(long element) {
        return live().segments[(int) (element >>> FLOAT_BITS)].floats;
    }

    static int floatIndex(long element) {
        return (int) element & ((1 << FLOAT_BITS) - 1);
    }

    /** The buffer in which a double begins, at {@link #doubleIndex}. */
    DoubleBuffer doubles(long element) {
        return live().segments[(int) (element >>> DOUBLE_BITS)].doubles;
    }

    static int doubleIndex(long element) {
        return (int) element & ((1 << DOUBLE_BITS) - 1);
    }

    /** The buffer in which an integer of 32 bits begins, at {@link #floatIndex}. */
    IntBuffer ints(long element) {
        return live().segments[(int) (element >>> FLOAT_BITS)].ints;
    }

    /** Blocks allocated since the start of the process; flat over the steps of a training run that is in steady state. */
    static long allocations() {
        return ALLOCATIONS.get();
    }

    /** Some bytes, less than a GiB. */
    ByteBuffer bytes(long offset, int length) {
        int from = (int) offset & ((1 << SEGMENT_BITS) - 1);
        return live().segments[(int) (offset >>> SEGMENT_BITS)]
                .bytes
                .slice(from, length)
                .order(ByteOrder.nativeOrder());
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
