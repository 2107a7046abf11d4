package dev.peft4j.core.model;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.layer.CrossEntropy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Sequences end to end, without padding.
 *
 * <p>Shapes: ids, tokenTypes (T); starts (B + 1); labels (T) for a language model, {@link CrossEntropy#IGNORE} where a token is not
 * scored and not shifted (the label of a token is the token itself), or (B) for a classifier; values (B · n) where numbers are predicted.
 */
public final class PackedBatch {
    private final int[] ids;
    private final int[] tokenTypes;
    private final int[] starts;
    private final int[] labels;
    private final float[] values;

    private PackedBatch(int[] ids, int[] tokenTypes, int[] starts, int[] labels, float[] values) {
        this.ids = ids;
        this.tokenTypes = tokenTypes;
        this.starts = starts;
        this.labels = labels;
        this.values = values;
    }

    /**
     * One sequence.
     *
     * @param ids token ids
     * @param tokenTypes segment of each token (BERT), or an empty array for all 0
     * @param labels of each token (language model), one class (classifier), or empty for none
     * @param values numbers to predict (regression), or 1 and 0 for labels that are there or not (several labels); empty for none
     */
    public record Sequence(int[] ids, int[] tokenTypes, int[] labels, float[] values) {
        /**
         * Checks what can be checked without a model.
         *
         * @throws IllegalArgumentException if an id or token type is below 0, a label is neither a class nor {@link CrossEntropy#IGNORE}, there are
         *     neither no nor as many token types as tokens, neither no, one nor as many labels, labels and values, or a value is not finite
         */
        public Sequence {
            requireCount(
                    "token types", tokenTypes.length, tokenTypes.length == 0 || tokenTypes.length == ids.length, ids);
            requireCount("labels", labels.length, labels.length <= 1 || labels.length == ids.length, ids);
            requireNotNegative("token id", ids, false);
            requireNotNegative("token type", tokenTypes, false);
            requireNotNegative("label", labels, true);
            if (labels.length > 0 && values.length > 0) {
                throw new IllegalArgumentException(labels.length + " labels and " + values.length
                        + " values were given for a sequence; one of them would not be learnt. Give labels or values.");
            }
            for (float v : values) {
                if (!Float.isFinite(v)) {
                    throw new IllegalArgumentException(
                            "the value " + v + " was to be predicted; values are finite numbers. Correct the record.");
                }
            }
        }

        private static void requireCount(String what, int found, boolean fits, int[] ids) {
            if (!fits) {
                throw new IllegalArgumentException(found + " " + what + " were given for a sequence of " + ids.length
                        + " tokens. Give one for each token, or none"
                        + (what.equals("labels") ? ", or one class." : "."));
            }
        }

        private static void requireNotNegative(String what, int[] numbers, boolean mayBeIgnored) {
            for (int n : numbers) {
                if (n < 0 && !(mayBeIgnored && n == CrossEntropy.IGNORE)) {
                    throw new IllegalArgumentException("the " + what + " " + n + " was given; it is at least 0"
                            + (mayBeIgnored ? ", or " + CrossEntropy.IGNORE + " for what is not scored" : "")
                            + ". Correct the record.");
                }
            }
        }

        /** A sequence with labels or without. */
        public Sequence(int[] ids, int[] tokenTypes, int[] labels) {
            this(ids, tokenTypes, labels, new float[0]);
        }

        /** A sequence that is only read. */
        public static Sequence of(int... ids) {
            return new Sequence(ids, new int[0], new int[0]);
        }

        /** A sequence whose tokens are scored where they are not {@link CrossEntropy#IGNORE}. */
        public static Sequence labelled(int[] ids, int[] labels) {
            return new Sequence(ids, new int[0], labels);
        }

        /** A sequence of which numbers are predicted. */
        public static Sequence valued(int[] ids, float... values) {
            return new Sequence(ids, new int[0], new int[0], values);
        }

        /** Number of tokens. */
        public int length() {
            return ids.length;
        }
    }

    /**
     * Packs sequences in their order.
     *
     * @throws IllegalArgumentException if one has no tokens, or some have labels or values and others not
     */
    public static PackedBatch of(List<Sequence> sequences) {
        int[] starts = new int[sequences.size() + 1];
        int labelCount = 0;
        int valueCount = 0;
        for (int i = 0; i < sequences.size(); i++) {
            Sequence s = sequences.get(i);
            if (s.length() == 0) {
                throw new IllegalArgumentException("sequence " + i + " of the batch has no tokens; leave it out");
            }
            requireAlike(sequences.get(0), s, i);
            starts[i + 1] = Math.addExact(starts[i], s.length());
            labelCount += s.labels.length;
            valueCount += s.values.length;
        }
        int[] ids = new int[starts[sequences.size()]];
        int[] types = new int[ids.length];
        int[] labels = new int[labelCount];
        float[] values = new float[valueCount];
        int label = 0;
        int value = 0;
        for (int i = 0; i < sequences.size(); i++) {
            Sequence s = sequences.get(i);
            System.arraycopy(s.ids, 0, ids, starts[i], s.length());
            System.arraycopy(s.tokenTypes, 0, types, starts[i], s.tokenTypes.length);
            System.arraycopy(s.labels, 0, labels, label, s.labels.length);
            System.arraycopy(s.values, 0, values, value, s.values.length);
            label += s.labels.length;
            value += s.values.length;
        }
        return new PackedBatch(ids, types, starts, labels, values);
    }

    private static void requireAlike(Sequence first, Sequence s, int i) {
        boolean alike = s.values.length == first.values.length
                && (s.labels.length == first.labels.length
                        || (s.labels.length == s.length() && first.labels.length == first.length()));
        if (!alike) {
            throw new IllegalArgumentException("sequence " + i + " has " + s.labels.length + " labels and "
                    + s.values.length + " values, the first one " + first.labels.length + " and " + first.values.length
                    + ". Give all sequences of a batch the same kind.");
        }
    }

    /** Packs sequences that are only read. */
    public static PackedBatch of(int[]... sequences) {
        return of(Arrays.stream(sequences).map(Sequence::of).toList());
    }

    /**
     * The batch with more tokens in front of its sequences: their ids and segments are 0, they are not scored, and the last of them predicts
     * the first token.
     *
     * @param rows how many, for each sequence
     */
    public PackedBatch withRowsInFront(int[] rows) {
        List<Sequence> sequences = new ArrayList<>();
        boolean perToken = labels.length == ids.length;
        for (int s = 0; s < sequences(); s++) {
            int n = length(s);
            int p = rows[s];
            int[] longerIds = new int[n + p];
            System.arraycopy(ids, starts[s], longerIds, p, n);
            int[] longerTypes = new int[n + p];
            System.arraycopy(tokenTypes, starts[s], longerTypes, p, n);
            int[] longerLabels = labels.length == 0 ? labels : perToken ? new int[n + p] : new int[] {labels[s]};
            if (perToken && labels.length > 0) {
                Arrays.fill(longerLabels, 0, p, CrossEntropy.IGNORE);
                System.arraycopy(labels, starts[s], longerLabels, p, n);
            }
            int each = values.length / sequences();
            float[] own = Arrays.copyOfRange(values, s * each, (s + 1) * each);
            sequences.add(new Sequence(longerIds, longerTypes, longerLabels, own));
        }
        return of(sequences);
    }

    /** The batch behind one more sequence, whose ids and segments are 0; without labels. */
    public PackedBatch withSequenceInFront(int rows) {
        int[] longerIds = new int[rows + ids.length];
        int[] longerTypes = new int[rows + ids.length];
        int[] longerStarts = new int[starts.length + 1];
        System.arraycopy(ids, 0, longerIds, rows, ids.length);
        System.arraycopy(tokenTypes, 0, longerTypes, rows, ids.length);
        Arrays.setAll(longerStarts, s -> s == 0 ? 0 : rows + starts[s - 1]);
        return new PackedBatch(longerIds, longerTypes, longerStarts, new int[0], new float[0]);
    }

    /** {@link #withRowsInFront(int[])} with as many in front of each sequence as these adapters put there. */
    public PackedBatch withRowsOf(Call call) {
        if (!call.any(a -> a.inputRowCount() > 0)) {
            return this;
        }
        int[] rows = new int[sequences()];
        int s = 0;
        for (Call part : call.parts()) {
            int n = call.isSplit() ? part.sequences() : sequences();
            int count =
                    part.adapters().stream().mapToInt(Adapter::inputRowCount).sum();
            Arrays.fill(rows, s, s + n, count);
            s += n;
        }
        return withRowsInFront(rows);
    }

    /** Number of sequences B. */
    public int sequences() {
        return starts.length - 1;
    }

    /** Number of tokens T. */
    public int tokens() {
        return ids.length;
    }

    /** Token ids (T). Not to be changed. */
    public int[] ids() {
        return ids;
    }

    /** Segments (T). Not to be changed. */
    public int[] tokenTypes() {
        return tokenTypes;
    }

    /** First token of a sequence. */
    public int start(int sequence) {
        return starts[sequence];
    }

    /** Number of tokens of a sequence. */
    public int length(int sequence) {
        return starts[sequence + 1] - starts[sequence];
    }

    /** First tokens of the sequences (B). */
    public int[] starts() {
        return Arrays.copyOf(starts, sequences());
    }

    /** Lengths of the sequences (B). */
    public int[] lengths() {
        int[] lengths = new int[sequences()];
        Arrays.setAll(lengths, this::length);
        return lengths;
    }

    /** Positions of the tokens in their sequences (T). */
    public int[] positions() {
        int[] positions = new int[ids.length];
        for (int s = 0; s < sequences(); s++) {
            for (int i = starts[s]; i < starts[s + 1]; i++) {
                positions[i] = i - starts[s];
            }
        }
        return positions;
    }

    /** One class per sequence (B). Not to be changed. */
    public int[] classLabels() {
        requireLabels(sequences(), "one label per sequence");
        return labels;
    }

    /** Numbers to predict of each sequence (B · n), row by row. Not to be changed. */
    public float[] values(int perSequence) {
        if (values.length != sequences() * perSequence) {
            throw new IllegalStateException("the loss needs " + perSequence + " values for each of " + sequences()
                    + " sequences, the batch has " + values.length + " in all. Give them with the sequences.");
        }
        return values;
    }

    /** What each token has to predict (T): the label of the next token of its sequence. */
    public int[] nextTokens() {
        requireLabels(tokens(), "one label per token");
        int[] next = new int[ids.length];
        for (int s = 0; s < sequences(); s++) {
            int last = starts[s + 1] - 1;
            System.arraycopy(labels, starts[s] + 1, next, starts[s], last - starts[s]);
            next[last] = CrossEntropy.IGNORE;
        }
        return next;
    }

    private void requireLabels(int count, String what) {
        if (labels.length != count) {
            throw new IllegalStateException("the loss needs " + what + " (" + count + "), the batch has "
                    + labels.length + ". Give labels with the sequences.");
        }
    }
}
