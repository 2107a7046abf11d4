package dev.peft4j.core.tensor;

import java.lang.ref.Cleaner;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.bytedeco.javacpp.Pointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What has to be given back to the system, apart from the object that owns it. It is given back once: when the owner is closed, or when the garbage
 * collector finds that the owner was forgotten, which is logged for the first of each kind.
 */
final class NativeBlock {
    /** Who forgets to close it. */
    enum Owner {
        TENSOR,
        ARENA
    }

    static final Cleaner CLEANER = Cleaner.create();

    private static final Logger LOG = LoggerFactory.getLogger(NativeBlock.class);
    private static final AtomicLong LIVE_BYTES = new AtomicLong();
    private static final Set<Owner> TOLD = EnumSet.noneOf(Owner.class);

    final Pointer pointer;
    private final long bytes;
    private final Owner owner;
    private final String what;
    private volatile boolean closed;

    /**
     * Takes a block.
     *
     * @param bytes that count as used
     * @param size that are taken, with the room for alignment
     * @param what it holds, for messages: "F32 (2, 3)"
     */
    NativeBlock(long bytes, long size, boolean zeroed, Owner owner, String what) {
        Pointer block = zeroed ? Pointer.calloc(1, size) : Pointer.malloc(size);
        if (block == null || block.isNull()) {
            throw new OutOfMemoryError("no native memory left for " + size + " bytes; " + LIVE_BYTES.get()
                    + " bytes are in use by tensors. Use a smaller batch or model.");
        }
        this.pointer = block;
        this.bytes = bytes;
        this.owner = owner;
        this.what = what;
        LIVE_BYTES.addAndGet(bytes);
    }

    /** Gives it back when the garbage collector finds that the object was forgotten, or when the result is asked to, whichever comes first. */
    Cleaner.Cleanable freeWith(Object object) {
        return CLEANER.register(object, this::free);
    }

    /** To be called before it is given back by its owner. */
    void close() {
        closed = true;
    }

    private void free() {
        LIVE_BYTES.addAndGet(-bytes);
        Pointer.free(pointer);
        if (!closed && firstOfItsKind(owner)) {
            LOG.warn(
                    "{} was never closed and is freed by the garbage collector only now: {}, {} bytes. Close what is"
                            + " AutoCloseable, such as by try (...); no other one of this kind is told.",
                    owner == Owner.ARENA ? "an arena" : "a tensor, or the model or adapter that owns it,",
                    what,
                    bytes);
        }
    }

    private static boolean firstOfItsKind(Owner owner) {
        synchronized (TOLD) {
            return TOLD.add(owner);
        }
    }

    static long liveBytes() {
        return LIVE_BYTES.get();
    }
}
