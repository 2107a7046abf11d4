package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.BlockSite;
import dev.peft4j.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One run of a model with the adapters that are active in it. Which are active is an argument, not a state of the model, so threads
 * share one model.
 *
 * <p>All sequences of a batch have the same adapters, or each has its own: then the call is split into groups of neighbouring
 * sequences, a layer runs once for all rows, and each group's adapters see the rows of their sequences.
 */
public final class Call {
    private final Pass pass;
    private final List<Adapter> adapters; // of a call that is not split
    private final int sequences; // for which adapters were chosen one by one; 0 if they were not
    private final List<Call> parts; // of a split call
    private final int firstRow;
    private final int rows; // ALL_ROWS for all

    private static final int ALL_ROWS = -1;

    private Call(Pass pass, List<Adapter> adapters, int sequences, List<Call> parts, int firstRow, int rows) {
        this.pass = pass;
        this.adapters = adapters;
        this.sequences = sequences;
        this.parts = parts;
        this.firstRow = firstRow;
        this.rows = rows;
    }

    /** The base model alone. */
    public static Call of(Pass pass) {
        return of(pass, List.of());
    }

    /** A run with one adapter. */
    public static Call of(Pass pass, Adapter adapter) {
        return of(pass, List.of(adapter));
    }

    /** A run with some adapters, which act in this order. */
    public static Call of(Pass pass, List<Adapter> adapters) {
        adapters.forEach(a -> a.use(pass));
        return new Call(pass, List.copyOf(adapters), 0, List.of(), 0, ALL_ROWS);
    }

    /** A run in which every sequence of the batch has its own adapters. */
    public static Call perSequence(Pass pass, List<List<Adapter>> adapters) {
        adapters.forEach(set -> set.forEach(a -> a.use(pass)));
        return grouped(pass, adapters);
    }

    private static Call grouped(Pass pass, List<List<Adapter>> adapters) {
        List<Call> parts = new ArrayList<>();
        int from = 0;
        while (from < adapters.size()) {
            int to = from + 1;
            while (to < adapters.size() && adapters.get(to).equals(adapters.get(from))) {
                to++;
            }
            parts.add(new Call(pass, List.copyOf(adapters.get(from)), to - from, List.of(), 0, 0));
            from = to;
        }
        return parts.size() == 1
                ? new Call(pass, List.copyOf(adapters.get(0)), adapters.size(), List.of(), 0, ALL_ROWS)
                : new Call(pass, List.of(), adapters.size(), parts, 0, ALL_ROWS);
    }

    /**
     * The same adapters for a batch of some of the sequences for which they were chosen.
     *
     * @param chosen numbers of the sequences, at least one, in the order of the batch
     * @throws BadInputException if adapters were chosen for each sequence, and for fewer
     */
    public Call forSequences(int... chosen) {
        if (sequences == 0) {
            return this;
        }
        List<List<Adapter>> each = new ArrayList<>();
        for (Call part : parts()) {
            each.addAll(Collections.nCopies(part.sequences, part.adapters));
        }
        List<List<Adapter>> some = new ArrayList<>();
        for (int s : chosen) {
            if (s < 0 || s >= sequences) {
                throw new BadInputException(
                        "sequence " + s + " was to be run, counted from 0, and adapters were chosen for " + sequences
                                + " sequences. Choose for each sequence.");
            }
            some.add(each.get(s));
        }
        return grouped(pass, some);
    }

    /** Memory and tape. */
    public Pass pass() {
        return pass;
    }

    /** The active adapters in the order in which they act; none for a call that is split, whose {@link #parts} have them. */
    public List<Adapter> adapters() {
        return adapters;
    }

    /** Whether sequences have different adapters. */
    public boolean isSplit() {
        return !parts.isEmpty();
    }

    /** The groups of sequences with the same adapters; this call alone if it is not split. */
    public List<Call> parts() {
        return isSplit() ? parts : List.of(this);
    }

    /** This call alone, unless it is split and an active adapter meets the condition: then its parts. */
    public List<Call> partsIf(Predicate<Adapter> condition) {
        return isSplit() && any(condition) ? parts : List.of(this);
    }

    /** Whether an active adapter of any sequence meets a condition. */
    public boolean any(Predicate<Adapter> condition) {
        for (Call part : parts()) {
            for (Adapter a : part.adapters) {
                if (condition.test(a)) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Number of sequences of a part. */
    public int sequences() {
        return sequences;
    }

    /** The rows of a layer's input or output that belong to this part; the node itself for a whole call. */
    public Node rows(Node node) {
        return rows == ALL_ROWS ? node : node.rows(firstRow, rows);
    }

    /** The elements of one number per row that belong to this part. */
    public int[] rows(int[] perRow) {
        return rows == ALL_ROWS ? perRow : Arrays.copyOfRange(perRow, firstRow, firstRow + rows);
    }

    /** The same adapters for layers whose rows are the tokens of sequences of these lengths. */
    public Call overTokens(int[] lengths) {
        boolean perSequence = sequences > 0 && rows == ALL_ROWS; // also if all have the same
        if (perSequence && lengths.length != sequences) {
            throw new BadInputException("adapters were chosen for " + sequences + " sequences, and the batch has "
                    + lengths.length + ". Choose for each sequence.");
        }
        if (!isSplit()) {
            return this;
        }
        int[] counts = new int[parts.size()];
        int sequence = 0;
        for (int p = 0; p < counts.length; p++) {
            for (int i = 0; i < parts.get(p).sequences; i++) {
                counts[p] += lengths[sequence++];
            }
        }
        return withRowCounts(counts);
    }

    /** The same adapters for layers that have one row per sequence. */
    public Call overSequences() {
        return isSplit()
                ? withRowCounts(parts.stream().mapToInt(p -> p.sequences).toArray())
                : this;
    }

    /** The same adapters for layers whose rows are some of the rows so far, in rising order. */
    public Call overRows(int[] chosen) {
        if (!isSplit()) {
            return this;
        }
        int[] counts = new int[parts.size()];
        int p = 0;
        for (int row : chosen) {
            while (row >= parts.get(p).firstRow + parts.get(p).rows) {
                p++;
            }
            counts[p]++;
        }
        return withRowCounts(counts);
    }

    private Call withRowCounts(int[] counts) {
        List<Call> moved = new ArrayList<>();
        int row = 0;
        for (int p = 0; p < counts.length; p++) {
            Call part = parts.get(p);
            moved.add(new Call(pass, part.adapters, part.sequences, List.of(), row, counts[p]));
            row += counts[p];
        }
        return new Call(pass, List.of(), sequences, moved, 0, ALL_ROWS);
    }

    /** {@link #partsIf} an active adapter puts a parameter in the place of one of these tensors. */
    public List<Call> partsIfReplaced(String... names) {
        return partsIf(a -> replaces(a, names));
    }

    private static boolean replaces(Adapter adapter, String... names) {
        for (String name : names) {
            if (adapter.replacement(name) != null) {
                return true;
            }
        }
        return false;
    }

    /** A node of the parameter that an active adapter puts in the place of a base tensor, or null; the first of several counts. */
    public @Nullable Node replacement(String name) {
        for (Adapter adapter : adapters) {
            Parameter p = adapter.replacement(name);
            if (p != null) {
                return pass.node(p);
            }
        }
        return null;
    }

    /** A node of a base vector, or of the parameter that an active adapter puts in its place. */
    public Node vector(String name, Tensor base) {
        Node own = replacement(name);
        return own == null ? pass.node(base) : own;
    }

    /** What the active adapters make of the output of a sub-layer, in their order. */
    public Node subLayer(BlockSite site, Node y, Node residual, Adapter.Norm norm) {
        if (!isSplit()) {
            Node out = y;
            for (Adapter adapter : adapters) {
                out = adapter.subLayer(this, site, out, residual, norm);
            }
            return out;
        }
        List<Node> outs = new ArrayList<>();
        boolean same = true; // each adapter gave its rows back, changed in place or not
        for (Call part : parts) {
            Node mine = part.rows(y);
            // the adapters see a call whose rows are theirs
            Call own = new Call(pass, part.adapters, 0, List.of(), 0, ALL_ROWS);
            Node out = own.subLayer(site, mine, part.rows(residual), norm);
            same &= out == mine;
            outs.add(out);
        }
        if (same) {
            return y;
        }
        Node all = pass.node(pass.allocate(y.value().rows(), y.value().cols()));
        for (int i = 0; i < outs.size(); i++) {
            Products.copy(pass, outs.get(i), parts.get(i).rows(all));
        }
        return all;
    }
}
