package dev.peft4j.core.autograd;

import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** The intermediate values of a pass that are alive: each gives its place in the arena back when its frame has ended and nothing holds it. */
final class Frames {
    private final Arena arena;
    private final List<Tensor> live = new ArrayList<>(); // in the order in which they were made

    Frames(Arena arena) {
        this.arena = arena;
    }

    Tensor allocate(int rows, int cols) {
        Tensor t = arena.allocate(rows, cols);
        live.add(t);
        return t;
    }

    /** Where a frame that begins now begins. */
    int size() {
        return live.size();
    }

    /** Ends a frame that gives no result. */
    void end(int mark) {
        for (int i = live.size() - 1; i >= mark; i--) {
            Tensor t = live.remove(i);
            if (!t.isHeld()) {
                arena.free(t);
            }
        }
    }

    /** Ends a frame but for its result, which belongs to the frame around it. */
    void end(int mark, Tensor result) {
        int left = mark;
        for (int i = mark; i < live.size(); i++) {
            Tensor t = live.get(i);
            if (t.sharesPlaceWith(result)) {
                live.set(left++, t);
            } else if (!t.isHeld()) {
                arena.free(t);
            }
        }
        live.subList(left, live.size()).clear();
    }

    /** Ends a use of a saved value; its place is free if its frame has ended and nothing else holds it. */
    void release(Tensor t) {
        if (t.isInArena(arena)) {
            for (Tensor other : live) {
                if (other.sharesPlaceWith(t)) {
                    t.unhold();
                    return;
                }
            }
            arena.release(t);
        } else {
            t.unhold();
        }
    }

    void clear() {
        live.clear();
    }
}
