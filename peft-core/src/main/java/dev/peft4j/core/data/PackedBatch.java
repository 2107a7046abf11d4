package dev.peft4j.core.data;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.error.BadInputException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Sequences end to end, without padding.
 *
 * <p>Shapes: ids, tokenTypes (T); starts (B + 1).
 */
public final class PackedBatch implements Batch {
    private final int[] ids;
    private final int[] tokenTypes;
    private final int[] starts;
    private final Targets targets;
    private final boolean[] good; // empty unless they are rated

    private PackedBatch(int[] ids, int[] tokenTypes, int[] starts, Targets targets, boolean[] good) {
        this.ids = ids;
        this.tokenTypes = tokenTypes;
        this.starts = starts;
        this.targets = targets;
        this.good = good;
    }

    /**
     * One sequence.
     *
     * @param ids token ids
     * @param tokenTypes segment of each token (BERT), or an empty array for all 0
     * @param targets what is to be predicted of it
     */
    public record Sequence(int[] ids, int[] tokenTypes, Targets targets) implements Example {
        /**
         * Checks what can be checked without a model.
         *
         * @throws BadInputException if an id or token type is below 0, or there are neither no nor as many token types or labels as tokens
         */
        public Sequence {
            requireCount(
                    "token types", tokenTypes.length, tokenTypes.length == 0 || tokenTypes.length == ids.length, ids);
            boolean perToken = targets instanceof Targets.PerToken;
            if (perToken) {
                requireCount("labels", targets.count(), targets.count() == ids.length, ids);
            } else if (targets.count() > 1) {
                throw new BadInputException(
                        targets.kind() + " was given for " + targets.count() + " sequences at one. Give that of one.");
            }
            requireNotNegative("token id", ids);
            requireNotNegative("token type", tokenTypes);
        }

        private static void requireCount(String what, int found, boolean fits, int[] ids) {
            if (!fits) {
                throw new BadInputException(found + " " + what + " were given for a sequence of " + ids.length
                        + " tokens. Give one for each token, or none"
                        + (what.equals("labels") ? ", or one class." : "."));
            }
        }

        private static void requireNotNegative(String what, int[] numbers) {
            for (int n : numbers) {
                if (n < 0) {
                    throw new BadInputException(
                            "the " + what + " " + n + " was given; it is at least 0. Correct the record.");
                }
            }
        }

        /** A sequence that is only read. */
        public static Sequence of(int... ids) {
            return new Sequence(ids, new int[0], Targets.none());
        }

        /** A sequence whose tokens are scored where their labels are not {@link Targets#IGNORE}. */
        public static Sequence labelled(int[] ids, int... labels) {
            return new Sequence(ids, new int[0], new Targets.PerToken(labels));
        }

        /** A sequence of a class. */
        public static Sequence classified(int[] ids, int label) {
            return new Sequence(ids, new int[0], new Targets.Classes(new int[] {label}));
        }

        /** A sequence of which numbers are predicted. */
        public static Sequence valued(int[] ids, float... values) {
            return new Sequence(ids, new int[0], new Targets.Numbers(values, values.length));
        }

        /** A sequence with several labels, each 1 if it is there, and else 0. */
        public static Sequence labelSet(int[] ids, float... labels) {
            return new Sequence(ids, new int[0], new Targets.LabelSets(labels, labels.length));
        }

        /** A sequence with the answer to a question from its first to its last token; {@link Targets#IGNORE} for both where it is not scored. */
        public static Sequence answered(int[] ids, int first, int last) {
            return new Sequence(ids, new int[0], new Targets.Spans(new int[] {first}, new int[] {last}));
        }

        /** The same with segments. */
        public Sequence withTokenTypes(int... types) {
            return new Sequence(ids, types, targets);
        }

        /** Number of tokens. */
        @Override
        public int length() {
            return ids.length;
        }
    }

    /**
     * Two sequences that stay together, of which one is to be found by the other.
     *
     * @param anchor that asks
     * @param positive that answers
     */
    public record Pair(Sequence anchor, Sequence positive) implements Example {
        @Override
        public int length() {
            return anchor.length() + positive.length();
        }

        @Override
        public Targets targets() {
            return new Targets.Classes(new int[] {0, 0});
        }

        /** Both, with the number of the pair as their class. */
        private Stream<Sequence> numbered(int number) {
            return Stream.of(anchor, positive)
                    .map(s -> new Sequence(s.ids, s.tokenTypes, new Targets.Classes(new int[] {number})));
        }
    }

    /**
     * Two answers to one prompt, as sequences whose labels are those of the answer.
     *
     * @param chosen the better one
     * @param rejected the other one
     */
    public record Choice(Sequence chosen, Sequence rejected) implements Example {
        @Override
        public int length() {
            return chosen.length() + rejected.length();
        }

        @Override
        public Targets targets() {
            return Targets.joined(List.of(chosen.targets, rejected.targets));
        }
    }

    /** Packs pairs in their order: the sequences of a pair have its number as their class. */
    public static PackedBatch ofPairs(List<Pair> pairs) {
        return of(IntStream.range(0, pairs.size())
                .boxed()
                .flatMap(i -> pairs.get(i).numbered(i))
                .toList());
    }

    /**
     * Packs sequences in their order.
     *
     * @throws BadInputException if one has no tokens, or their targets are not of one kind
     */
    public static PackedBatch of(List<Sequence> sequences) {
        int[] starts = new int[sequences.size() + 1];
        for (int i = 0; i < sequences.size(); i++) {
            Sequence s = sequences.get(i);
            if (s.length() == 0) {
                throw new BadInputException(
                        "sequence " + i + " of a batch has no tokens, and each has at least one. Leave it out.");
            }
            if (s.length() > Integer.MAX_VALUE - starts[i]) {
                throw new BadInputException(
                        "a batch of " + sequences.size() + " sequences was to be made, and they have" + " more than "
                                + Integer.MAX_VALUE + " tokens. Make smaller batches.");
            }
            starts[i + 1] = starts[i] + s.length();
        }
        int[] ids = new int[starts[sequences.size()]];
        int[] types = new int[ids.length];
        for (int i = 0; i < sequences.size(); i++) {
            Sequence s = sequences.get(i);
            System.arraycopy(s.ids, 0, ids, starts[i], s.length());
            System.arraycopy(s.tokenTypes, 0, types, starts[i], s.tokenTypes.length);
        }
        Targets targets =
                Targets.joined(sequences.stream().map(Sequence::targets).toList());
        return new PackedBatch(ids, types, starts, targets, new boolean[0]);
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
        int[] longerStarts = new int[starts.length];
        for (int s = 0; s < sequences(); s++) {
            longerStarts[s + 1] = longerStarts[s] + rows[s] + length(s);
        }
        Targets longer = targets;
        if (targets instanceof Targets.PerToken labels) {
            int[] all = behind(rows, longerStarts, labels.labels(), Targets.IGNORE);
            longer = new Targets.PerToken(all);
        } else if (targets instanceof Targets.Spans spans) {
            longer = spans.behind(rows);
        }
        int[] longerIds = behind(rows, longerStarts, ids, 0);
        int[] longerTypes = behind(rows, longerStarts, tokenTypes, 0);
        return new PackedBatch(longerIds, longerTypes, longerStarts, longer, good);
    }

    /** Numbers of the tokens with others in front of those of each sequence. */
    private int[] behind(int[] rows, int[] longerStarts, int[] perToken, int inFront) {
        int[] longer = new int[longerStarts[sequences()]];
        Arrays.fill(longer, inFront);
        for (int s = 0; s < sequences(); s++) {
            System.arraycopy(perToken, starts[s], longer, longerStarts[s] + rows[s], length(s));
        }
        return longer;
    }

    /** The batch behind one more sequence, whose ids and segments are 0; without targets. */
    public PackedBatch withSequenceInFront(int rows) {
        int[] longerIds = new int[rows + ids.length];
        int[] longerTypes = new int[rows + ids.length];
        int[] longerStarts = new int[starts.length + 1];
        System.arraycopy(ids, 0, longerIds, rows, ids.length);
        System.arraycopy(tokenTypes, 0, longerTypes, rows, ids.length);
        Arrays.setAll(longerStarts, s -> s == 0 ? 0 : rows + starts[s - 1]);
        return new PackedBatch(longerIds, longerTypes, longerStarts, Targets.none(), new boolean[0]);
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

    /** The same with adapters that act on all sequences. */
    public PackedBatch withRowsOf(List<Adapter> adapters) {
        int count = adapters.stream().mapToInt(Adapter::inputRowCount).sum();
        if (count == 0) {
            return this;
        }
        return withRowsInFront(
                IntStream.generate(() -> count).limit(sequences()).toArray());
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
        return IntStream.range(0, sequences()).map(this::length).toArray();
    }

    PackedBatch rated(boolean[] ratings) {
        return new PackedBatch(ids, tokenTypes, starts, targets, ratings);
    }

    /** Whether the answer of each sequence is one that is wanted (B); empty unless they are rated. Not to be changed. */
    public boolean[] ratings() {
        return good;
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

    @Override
    public int size() {
        return sequences();
    }

    @Override
    public int length() {
        return tokens();
    }

    @Override
    public Targets targets() {
        return targets;
    }
}
