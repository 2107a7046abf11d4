package dev.peft4j.core.tensor;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * The native memory of one pass through a model: activations and gradients are cut out of a few large blocks, given back as soon
 * as nothing needs them, and cut out again by the next step. After the first steps no native memory is allocated.
 *
 * <p>It belongs to one pass at a time ({@link #claim}) and to the thread of that pass, which gives everything back at its end; a tensor of an earlier pass
 * can no longer be read then.
 */
public final class Arena implements AutoCloseable {
    private static final int ALIGNMENT = 16; // elements: a cache line of floats
    private static final int BLOCK_BYTES = 32 << 20;

    private final DType dtype;
    private final List<Block> blocks = new CopyOnWriteArrayList<>(); // other threads may ask for its size
    private @Nullable Object user; // the pass that has it
    private volatile @Nullable Thread userThread;
    private volatile int generation;
    private volatile boolean closed;

    /** An empty arena for tensors of one number format. */
    public Arena(DType dtype) {
        this.dtype = dtype;
    }

    public DType dtype() {
        return dtype;
    }

    /**
     * Takes the arena for a pass until {@link #giveBack}.
     *
     * @throws WrongUseException if another pass has it, or it was closed
     */
    public synchronized void claim(Object pass) {
        requireOpen();
        if (user != null) {
            throw new WrongUseException(
                    "a pass was begun with the arena of another pass that is not closed yet;"
                            + " both would write to the same memory. Close that pass first, or give each thread an arena of its own.");
        }
        user = pass;
        userThread = Thread.currentThread();
    }

    /** Ends what {@link #claim} began: everything is given back, and tensors that were cut out cannot be used any more. */
    public synchronized void giveBack(Object pass) {
        if (user == pass) {
            generation = generation + 1;
            blocks.forEach(Block::clear);
            user = null;
            userThread = null;
            if (closed) {
                freeBlocks();
            }
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new WrongUseException(
                    "an arena was used after it was closed. Close it when no pass needs it any more.");
        }
    }

    /** Refuses threads other than that of the pass that has it. */
    void requireOwnThread() {
        Thread thread = userThread;
        if (thread != null && thread != Thread.currentThread()) {
            throw new WrongUseException("the arena of a pass of the thread " + thread.getName()
                    + " was used by the thread " + Thread.currentThread().getName()
                    + "; both would write to the same memory. Give each thread an arena of its own.");
        }
    }

    /** How often everything was given back. */
    int generation() {
        return generation;
    }

    /** Cuts out a matrix; its elements hold whatever was there before. */
    public Tensor allocate(int rows, int cols) {
        requireOpen();
        requireOwnThread();
        long wanted = ((long) rows * cols + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        if (wanted > Integer.MAX_VALUE) {
            throw new BadInputException("a value of " + rows + " rows and " + cols
                    + " columns was to be computed; one of a pass has at most " + Integer.MAX_VALUE
                    + " numbers. Give shorter texts, or fewer in a batch.");
        }
        int size = (int) Math.max(ALIGNMENT, wanted);
        for (Block block : blocks) {
            int at = block.take(size);
            if (at >= 0) {
                return new Tensor(this, block.memory, at, rows, cols);
            }
        }
        int blockSize = Math.max(size, BLOCK_BYTES / dtype.bytes());
        Block block = new Block(
                new NativeMemory(dtype, blockSize, false, NativeBlock.Owner.ARENA, blockSize + " elements of " + dtype),
                blockSize);
        blocks.add(block);
        return new Tensor(this, block.memory, block.take(size), rows, cols);
    }

    /** Gives the place of a tensor back. Nothing may use the tensor or a view of it afterwards. */
    public void free(Tensor tensor) {
        requireOwnThread();
        Place place = tensor.place();
        int size = Math.max(ALIGNMENT, Math.toIntExact((place.size() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT));
        for (Block block : blocks) {
            if (place.isAt(block.memory)) {
                block.give((int) place.start(), size);
                return;
            }
        }
        throw new BadInputException(tensor + " is not of this arena");
    }

    /** Ends a use of a tensor that was held, and gives its place back if that was the last one. */
    public void release(Tensor tensor) {
        if (tensor.unhold() == 0) {
            free(tensor);
        }
    }

    boolean contains(NativeMemory memory) {
        for (Block block : blocks) {
            if (block.memory == memory) {
                return true;
            }
        }
        return false;
    }

    /** Bytes of native memory that the arena holds, used or not. */
    public long capacity() {
        long sum = 0;
        for (Block block : blocks) {
            sum += (long) block.elements * dtype.bytes();
        }
        return sum;
    }

    /** Frees the memory, at once or when the pass that has it is closed. */
    @Override
    public synchronized void close() {
        closed = true;
        if (user == null) {
            freeBlocks();
        }
    }

    private void freeBlocks() {
        for (Block block : blocks) {
            block.memory.close();
        }
        blocks.clear();
    }

    /** A block of memory and its free ranges: start to length, in elements. */
    private static final class Block {
        final NativeMemory memory;
        final int elements;
        private final TreeMap<Integer, Integer> free = new TreeMap<>();

        Block(NativeMemory memory, int elements) {
            this.memory = memory;
            this.elements = elements;
            clear();
        }

        void clear() {
            free.clear();
            free.put(0, elements);
        }

        /** The first free range that is long enough: low addresses are used again and again, which keeps them in the caches. */
        int take(int size) {
            Map.Entry<Integer, Integer> range = free.firstEntry();
            while (range != null && range.getValue() < size) {
                range = free.higherEntry(range.getKey());
            }
            if (range != null) {
                free.remove(range.getKey());
                if (range.getValue() > size) {
                    free.put(range.getKey() + size, range.getValue() - size);
                }
                return range.getKey();
            }
            return -1;
        }

        void give(int at, int size) {
            int start = at;
            int length = size;
            Map.Entry<Integer, Integer> before = free.floorEntry(at);
            if (before != null) {
                int end = before.getKey() + before.getValue();
                if (end > at) {
                    throw new WrongUseException("a tensor was given back twice");
                }
                if (end == at) {
                    start = before.getKey();
                    length += before.getValue();
                }
            }
            Integer after = free.remove(at + size);
            free.put(start, after == null ? length : length + after);
        }
    }
}
