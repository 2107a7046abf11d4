package dev.peft4j.core.autograd;

import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One run through a model: where its intermediate values live, and the tape of what to do backwards.
 *
 * <p>Memory: a value lives until the {@link #begin frame} in which it was made ends, or as long as the tape needs it. Gradients live
 * until the operation that made their node has been derived. All of it lies in an {@link Arena} that the next pass uses again, so
 * nothing of a pass may be used after {@link #close}.
 *
 * <p>A pass belongs to the thread that began it: others get an error, so each thread has its own pass and arena. A pass whose thread has ended can be
 * closed by any.
 */
public final class Pass implements AutoCloseable {
    private final Backend backend;
    private final Arena arena;
    private final boolean recording;
    private final boolean training;
    private final @Nullable Tap tap;
    private long seed;
    private final Thread thread = Thread.currentThread();
    private volatile boolean closed;
    private final Frames frames;
    private final Tape tape;
    private final Loans loans = new Loans();
    private final Map<Object, Node> computed = new HashMap<>();

    private Pass(Backend backend, Arena arena, boolean recording, boolean training, @Nullable Tap tap, long seed) {
        this.backend = backend;
        this.arena = arena;
        this.recording = recording;
        this.training = training;
        this.tap = tap;
        this.seed = seed;
        this.frames = new Frames(arena);
        this.tape = new Tape(frames);
        arena.claim(this);
    }

    /**
     * A pass that can run backwards, with dropout drawn from the seed.
     *
     * @throws WrongUseException if another pass has the arena; it is free again when that one is closed
     */
    public static Pass training(Backend backend, Arena arena, long seed) {
        return new Pass(backend, arena, true, true, null, seed);
    }

    /** A pass that can run backwards, without dropout. */
    public static Pass differentiable(Backend backend, Arena arena) {
        return new Pass(backend, arena, true, false, null, 0);
    }

    /** A forward pass only, without dropout. */
    public static Pass inference(Backend backend, Arena arena) {
        return new Pass(backend, arena, false, false, null, 0);
    }

    /** A forward pass like that of {@link #training} in which layers look for the first value that is not finite. */
    public static Pass tracing(Backend backend, Arena arena, long seed) {
        return new Pass(backend, arena, false, true, Tap.FINITE, seed);
    }

    /** A forward pass like that of {@link #inference} which tells what layers compute. */
    public static Pass tapped(Backend backend, Arena arena, Tap tap) {
        return new Pass(backend, arena, false, false, tap, 0);
    }

    public Backend backend() {
        return backend;
    }

    /** Whether dropout is active. */
    public boolean isTraining() {
        return training;
    }

    /** Whether the pass can run backwards. */
    public boolean isRecording() {
        return recording;
    }

    /** A seed for one use of random numbers; the same sequence for the same seed of the pass. */
    public long nextSeed() {
        seed = seed * 6364136223846793005L + 1442695040888963407L; // Knuth, MMIX
        return seed ^ (seed >>> 29);
    }

    /** Tells the tap of the pass, if it has one, what a layer has computed. */
    public void tell(String name, @Nullable Node input, Node output) {
        if (tap != null) {
            tap.layer(name, input, output);
        }
    }

    /** Whether somebody is told what layers compute, so that a layer computes what its name stands for. */
    public boolean isTapped() {
        return tap != null;
    }

    private void requireOpen() {
        if (closed) {
            throw new WrongUseException("a pass was used after it was closed. Begin a new one.");
        }
        requireOwnThread();
    }

    private void requireOwnThread() {
        if (Thread.currentThread() != thread) {
            throw new WrongUseException(
                    "a pass of the thread " + thread.getName() + " was used by the thread "
                            + Thread.currentThread().getName()
                            + "; two threads would write to the same memory. Begin a pass in each thread, with an arena of its own.");
        }
    }

    /** Memory for an intermediate value, with whatever it holds. */
    public Tensor allocate(int rows, int cols) {
        requireOpen();
        return frames.allocate(rows, cols);
    }

    /** Starts a frame; give the result to {@link #end}. */
    public int begin() {
        return frames.size();
    }

    /** Ends a frame: the memory of its values is free again, but for the result and what the tape needs. */
    public Node end(int mark, Node result) {
        requireOpen();
        frames.end(mark, result.value());
        return result;
    }

    /** Ends a frame that gives no result: the memory of its values is free again, but for what the tape needs. */
    public void end(int mark) {
        frames.end(mark);
    }

    /** A node of a value that was computed in this pass or lives outside of it. */
    public Node node(Tensor value) {
        return new Node(value, null);
    }

    /** A node of a value whose gradient is wanted although nothing on the tape made it. */
    public Node trackedNode(Tensor value) {
        Node node = new Node(value, null);
        node.track();
        return node;
    }

    /** A node of a parameter. */
    public Node node(Parameter parameter) {
        return new Node(parameter.value(), parameter);
    }

    /**
     * Remembers how to derive an operation; does nothing in a pass that cannot run backwards. Operations that change a value in place
     * are recorded with the same node again.
     *
     * <p>The saved values must be the same when {@code backward} runs, or the gradients would be wrong: who changes a value in place later, such as the
     * residual connection behind this operation, changes another value or a copy. It is checked for every operation. Values that {@code backward} does not
     * read need not be saved and may change: a linear layer does not look at its own result.
     *
     * @param result what the operation made or changed
     * @param backward reads the gradient of the result and adds to those of the inputs
     * @param saved values that {@code backward} reads
     */
    public void record(Node result, Runnable backward, Tensor... saved) {
        record("", result, backward, saved);
    }

    /** The same with a name of the operation for messages; without one it is that of the class that {@code backward} stands in. */
    public void record(String name, Node result, Runnable backward, Tensor... saved) {
        if (!recording) {
            return;
        }
        requireOpen();
        tape.add(name, result, backward, saved);
    }

    /** Whether an operation on these nodes has to be recorded. */
    public boolean needsGrad(Node... inputs) {
        if (recording) {
            for (Node n : inputs) {
                if (n.isTracked()) {
                    return true;
                }
            }
        }
        return false;
    }

    /**
     * Makes sure that a node has a gradient tensor which may be written.
     *
     * @return whether to add to what it holds; else it holds nothing yet and must be overwritten
     */
    public boolean prepareGrad(Node node) {
        requireOpen();
        if (node.isView()) {
            Node root = node.root();
            if (!prepareGrad(root)) {
                backend.kernels().fillRows(null, root.grad());
            }
            return true;
        }
        Parameter parameter = node.parameter();
        if (parameter != null) {
            return parameter.claimGrad();
        }
        Tensor old = node.grad;
        if (old != null && !old.isShared()) {
            return true;
        }
        Tensor fresh = arena.allocate(node.value().rows(), node.value().cols()).hold();
        node.grad = fresh;
        if (old == null) {
            return false;
        }
        backend.kernels().copy(old, fresh);
        frames.release(old);
        return true;
    }

    /**
     * Prepares a gradient that is about to be replaced by a function of itself.
     *
     * @return the old gradient to read; {@link Node#grad} is then where the new one goes, which is the same tensor unless others
     *     share it
     */
    public Tensor replaceGrad(Node node) {
        if (node.isView()) {
            prepareGrad(node);
            return node.grad();
        }
        Tensor old = node.grad();
        if (old.isShared()) {
            node.grad = arena.allocate(old.rows(), old.cols()).hold();
            old.unhold(); // the others keep it
        }
        return old;
    }

    /** Adds a gradient to a node; the tensor itself becomes its gradient if it has none. */
    public void addGrad(Node node, Tensor grad) {
        requireOpen();
        if (!node.isView() && node.parameter() == null && node.grad == null) {
            node.grad = grad.hold();
        } else {
            if (prepareGrad(node)) {
                backend.kernels().addScaled(1, grad, node.grad());
            } else {
                backend.kernels().copy(grad, node.grad());
            }
        }
    }

    /** Marks the end of the tape for {@link #backwardTo}. */
    public int mark() {
        return tape.size();
    }

    /** Runs everything backwards that was recorded, starting from the gradients that nodes already have. */
    public void backward() {
        backwardTo(0);
    }

    /** Runs backwards what was recorded since a mark, and forgets it. */
    public void backwardTo(int mark) {
        requireOpen();
        tape.backwardTo(mark);
    }

    /** Frees the gradient of a node that no operation made. */
    public void releaseGrad(Node node) {
        Tensor grad = node.grad;
        if (grad != null) {
            node.grad = null;
            frames.release(grad);
        }
    }

    /**
     * A node that is computed once in this pass, however often it is asked for, and lives until its end.
     *
     * @param key whose node it is
     */
    public Node once(Object key, Supplier<Node> compute) {
        requireOpen();
        Node known = computed.get(key);
        if (known != null) {
            return known;
        }
        Node node = compute.get();
        node.value().hold();
        computed.put(key, node);
        return node;
    }

    /**
     * Runs something when the pass is closed: giving back what it was lent.
     *
     * @throws WrongUseException if it is closed
     */
    public void onClose(Runnable action) {
        requireOpen();
        loans.atEnd(action);
    }

    /**
     * Uses something until the pass is closed.
     *
     * @throws WrongUseException if one of them is closed
     */
    public void use(Lease lease) {
        requireOpen();
        loans.use(lease);
    }

    /**
     * Ends the pass and gives back what it was lent.
     *
     * @throws WrongUseException if it is that of another thread, which may be computing
     */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        if (thread.isAlive()) {
            requireOwnThread();
        }
        tape.clear();
        frames.clear();
        computed.values().forEach(n -> n.value().unhold());
        computed.clear();
        arena.giveBack(this);
        closed = true;
        loans.end();
    }
}
