package dev.peft4j.core.tensor;

/**
 * Native memory for weights that are stored in a form of their own. Whoever made it closes it; it is counted with the memory of tensors, and lasts as long
 * as it is read.
 */
public final class NativeBytes implements AutoCloseable {
    private final NativeMemory memory;
    private final long size;

    /**
     * Memory with whatever it holds.
     *
     * @param size in bytes
     * @throws OutOfMemoryError if there is not as much left
     */
    public NativeBytes(long size) {
        this.memory = new NativeMemory(size, false, NativeBlock.Owner.TENSOR, size + " bytes");
        this.size = size;
    }

    /** Bytes. */
    public long size() {
        return size;
    }

    /**
     * Copies bytes into an array.
     *
     * @param at place of the first one
     */
    public void read(long at, byte[] to, int n) {
        use(at, n, () -> memory.bytes(at, n).get(0, to, 0, n));
    }

    /** Copies bytes of an array to a place. */
    public void write(long at, byte[] from, int n) {
        use(at, n, () -> memory.bytes(at, n).put(0, from, 0, n));
    }

    /**
     * Copies integers of 32 bits into an array.
     *
     * @param index number of the first one
     */
    public void read(long index, int[] to, int n) {
        use(Integer.BYTES * index, (long) Integer.BYTES * n, () -> memory.ints(index)
                .get(NativeMemory.floatIndex(index), to, 0, n));
    }

    /** Copies integers of an array to a place, which is counted in integers. */
    public void write(long index, int[] from, int n) {
        use(Integer.BYTES * index, (long) Integer.BYTES * n, () -> memory.ints(index)
                .put(NativeMemory.floatIndex(index), from, 0, n));
    }

    /** Begins an operation of an engine on the memory, which lasts until {@link #leave}. */
    void enter() {
        memory.enter();
    }

    /** Ends it. */
    void leave() {
        memory.leave();
    }

    /** Where it begins. */
    long address() {
        return memory.address();
    }

    private void use(long at, long count, Runnable operation) {
        if (at < 0 || count < 0 || at > size - count) {
            throw new IndexOutOfBoundsException("bytes " + at + " to " + (at + count) + " of " + size);
        }
        memory.enter();
        try {
            operation.run();
        } finally {
            memory.leave();
        }
    }

    @Override
    public void close() {
        memory.close();
    }
}
