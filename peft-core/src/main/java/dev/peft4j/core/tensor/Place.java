package dev.peft4j.core.tensor;

import dev.peft4j.core.error.WrongUseException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** The native memory of a tensor and its views, with what is known of all of them: the pass it belongs to, its uses, its changes. */
final class Place implements AutoCloseable {
    private final NativeMemory memory;
    private final @Nullable Arena arena; // that it was cut out of
    private final int generation; // of the arena at that time
    private final long start; // in elements
    private final long size;
    private int holds; // uses that keep it alive in the arena
    private int version; // how often it was changed

    Place(NativeMemory memory, @Nullable Arena arena, long start, long size) {
        this.memory = memory;
        this.arena = arena;
        this.generation = arena == null ? 0 : arena.generation();
        this.start = start;
        this.size = size;
    }

    /**
     * The memory, to be asked before each use.
     *
     * @param tensor that asks, for the message
     * @throws WrongUseException if the pass that it belongs to was closed
     */
    NativeMemory memory(NativeMatrix tensor) {
        Arena a = arena;
        if (a != null && a.generation() != generation) {
            throw new WrongUseException("a value of a pass (" + tensor
                    + ") was used after the pass was closed; its memory is that of the next pass."
                    + " Copy what you need before, such as by toFloats().");
        }
        return memory;
    }

    void requireOwnThread() {
        Arena a = arena;
        if (a != null) {
            a.requireOwnThread();
        }
    }

    /** Ends a use of the memory, whatever became of the pass. */
    void leave() {
        memory.leave();
    }

    boolean isAt(NativeMemory block) {
        return memory == block;
    }

    boolean isIn(Arena other) {
        return other.contains(memory);
    }

    long start() {
        return start;
    }

    long size() {
        return size;
    }

    AtomicBoolean claimed() {
        return memory.claimed();
    }

    void changed() {
        version++;
    }

    int version() {
        return version;
    }

    void hold() {
        holds++;
    }

    int unhold() {
        return --holds;
    }

    int holds() {
        return holds;
    }

    @Override
    public void close() {
        memory.close();
    }
}
