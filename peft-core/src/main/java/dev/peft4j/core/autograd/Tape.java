package dev.peft4j.core.autograd;

import dev.peft4j.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** What a pass has to do backwards, last operation first. */
final class Tape {
    private final Frames frames;
    private final List<Operation> operations = new ArrayList<>();

    Tape(Frames frames) {
        this.frames = frames;
    }

    int size() {
        return operations.size();
    }

    /** Holds what the operation saved until it is derived. */
    void add(String name, Node result, Runnable backward, Tensor... saved) {
        int[] versions = new int[saved.length];
        for (int i = 0; i < saved.length; i++) {
            versions[i] = saved[i].hold().version();
        }
        Node root = result.root();
        boolean producer = !root.produced;
        root.produced = true;
        root.track();
        operations.add(new Operation(name, root, backward, saved, versions, producer));
    }

    /** Derives the operations from a mark on, and forgets them. */
    void backwardTo(int mark) {
        for (int i = operations.size() - 1; i >= mark; i--) {
            Operation operation = operations.remove(i);
            int frame = frames.size();
            if (operation.result().hasGrad()) {
                operation.requireUnchanged();
                operation.backward().run();
            }
            for (Tensor t : operation.saved()) {
                frames.release(t);
            }
            Tensor grad = operation.result().grad;
            if (operation.producer() && grad != null) {
                operation.result().grad = null;
                frames.release(grad);
            }
            frames.end(frame);
        }
    }

    void clear() {
        operations.clear();
    }
}
