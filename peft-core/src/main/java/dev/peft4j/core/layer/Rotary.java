package dev.peft4j.core.layer;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Rotary position embedding: pairs (i, i + R/2) of the first R columns of a head are rotated by {@code position · inverseFrequency[i]}; R is H for most models.
 *
 * <p>Su et al. 2021, <a href="https://arxiv.org/abs/2104.09864">paper</a>, section 3.4, with the pairs of Hugging Face's checkpoints.
 *
 * <p>The tables of cosines and sines grow with the longest sequence that is met, not with the context that a config claims. Where frequencies depend on the length of a
 * sequence ({@link RotaryAngles}), a batch with long ones has tables of its rows in memory of the pass, made once for all layers.
 */
public final class Rotary implements AutoCloseable {
    private static final int FIRST_POSITIONS = 256;

    private final DType dtype;
    private final RotaryAngles angles;
    private final List<Tables> all = new ArrayList<>(); // outgrown tables may still be in use by other threads
    private volatile Tables current;
    private boolean closed; // under the lock of all

    /** Cosines and sines (positions, R/2). */
    private record Tables(Tensor cosines, Tensor sines) {}

    /** Whose rows a pass computes once; the array is that of the run, and equals itself alone. */
    private record RowsOf(Rotary rotary, int[] positions) {}

    /** Tables for the first positions. */
    public Rotary(DType dtype, RotaryAngles angles) {
        this.dtype = dtype;
        this.angles = angles;
        this.current = grow(FIRST_POSITIONS);
    }

    /** The usual frequencies {@code theta^(-2i/R)}. */
    public static float[] frequencies(double theta, int columns) {
        float[] f = new float[columns / 2];
        for (int i = 0; i < f.length; i++) {
            f[i] = (float) (1 / Math.pow(theta, 2.0 * i / columns));
        }
        return f;
    }

    private Tables tables(int[] positions) {
        int needed = 0;
        for (int p : positions) {
            needed = Math.max(needed, p + 1);
        }
        Tables t = current;
        if (t.cosines.rows() >= needed) {
            return t;
        }
        synchronized (all) {
            if (closed) {
                throw new WrongUseException(
                        "rotary positions up to " + needed
                                + " were asked for after their tables were closed. Close them with the model, when nothing uses it.");
            }
            if (current.cosines.rows() < needed) {
                current = grow(Math.max(needed, 2 * current.cosines.rows()));
            }
            return current;
        }
    }

    private Tables grow(int positions) {
        int half = angles.count();
        Tables t = new Tables(Tensor.allocate(dtype, positions, half), Tensor.allocate(dtype, positions, half));
        float[] frequencies = angles.of(0);
        double[] row = new double[half];
        for (int p = 0; p < positions; p++) {
            fill(t, p, p, frequencies, row);
        }
        all.add(t);
        return t;
    }

    private void fill(Tables t, int row, int position, float[] frequencies, double[] values) {
        for (int i = 0; i < values.length; i++) {
            values[i] = angles.factor() * Math.cos(position * frequencies[i]);
        }
        t.cosines.rows(row, 1).set(values);
        for (int i = 0; i < values.length; i++) {
            values[i] = angles.factor() * Math.sin(position * frequencies[i]);
        }
        t.sines.rows(row, 1).set(values);
    }

    /** Cosines of the rows of a batch, and below them their sines (2 T, R/2): each sequence by its own length. */
    private Node rows(Pass pass, int[] positions, int[] starts, int[] lengths) {
        int count = positions.length;
        Tensor both = pass.allocate(2 * count, angles.count());
        Tables t = new Tables(both.rows(0, count), both.rows(count, count));
        double[] row = new double[angles.count()];
        for (int s = 0; s < starts.length; s++) {
            int end = end(s, starts, count);
            float[] frequencies = angles.of(lengths[s]);
            for (int r = starts[s]; r < end; r++) {
                fill(t, r, positions[r], frequencies, row);
            }
        }
        return pass.node(both);
    }

    private static int end(int sequence, int[] starts, int count) {
        return sequence + 1 < starts.length ? starts[sequence + 1] : count;
    }

    private boolean anyLong(int[] lengths) {
        for (int length : lengths) {
            if (length > angles.longest()) {
                return true;
            }
        }
        return false;
    }

    /**
     * Rotates x (T, heads·H) in place, each sequence up to its last row here; returns x.
     *
     * @param positions of the rows (T), rising in each sequence; the same array in all layers of a run
     * @param starts first rows of the sequences (B)
     */
    public Node forward(Pass pass, Node x, int heads, int[] positions, int[] starts) {
        int[] lengths = new int[starts.length];
        for (int s = 0; s < starts.length; s++) {
            int end = end(s, starts, positions.length);
            lengths[s] = end > starts[s] ? positions[end - 1] + 1 : 0;
        }
        return forward(pass, x, heads, positions, starts, lengths);
    }

    /**
     * The same for sequences of which more rows are to come.
     *
     * @param lengths of the sequences (B), counted from the first position, with the rows that are not here
     */
    public Node forward(Pass pass, Node x, int heads, int[] positions, int[] starts, int[] lengths) {
        if (angles.longest() == Integer.MAX_VALUE || !anyLong(lengths)) {
            return rotate(pass, x, heads, positions, tables(positions));
        }
        int count = positions.length;
        Tensor both = pass.once(new RowsOf(this, positions), () -> rows(pass, positions, starts, lengths))
                .value();
        int[] each = new int[count];
        Arrays.setAll(each, r -> r);
        return rotate(pass, x, heads, each, new Tables(both.rows(0, count), both.rows(count, count)));
    }

    private static Node rotate(Pass pass, Node x, int heads, int[] rows, Tables t) {
        pass.backend().kernels().rotate(x.value(), heads, rows, t.cosines, t.sines, false);
        if (pass.needsGrad(x)) {
            pass.record(x, () -> {
                pass.prepareGrad(x);
                pass.backend().kernels().rotate(x.grad(), heads, rows, t.cosines, t.sines, true);
            });
        }
        return x;
    }

    @Override
    public void close() {
        synchronized (all) {
            for (Tables t : all) {
                t.cosines.close();
                t.sines.close();
            }
            all.clear();
            closed = true;
        }
    }
}
