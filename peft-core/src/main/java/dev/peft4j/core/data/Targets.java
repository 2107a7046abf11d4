package dev.peft4j.core.data;

import dev.peft4j.core.error.BadInputException;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/** What is to be predicted of a batch, or of one example. A head says which kinds it can be compared with. */
public sealed interface Targets {
    /** A label that is not scored. */
    int IGNORE = -100;

    /** Number of tokens, sequences, images or rows that have a target. */
    int count();

    /** Those of some of them, by their numbers. */
    Targets of(int... which);

    /** The kind in words, for messages. */
    String kind();

    /** No targets: the batch is only read. */
    static Targets none() {
        return new None(0);
    }

    /** Nothing is predicted. */
    record None(int count) implements Targets {
        @Override
        public Targets of(int... which) {
            return new None(which.length);
        }

        @Override
        public String kind() {
            return "no targets";
        }
    }

    /**
     * A label of each token.
     *
     * @param labels (T), each at least 0, or {@link #IGNORE}; of a language model the token itself, which the row in front of it predicts
     */
    record PerToken(int[] labels) implements Targets {
        /** Checks the labels. */
        public PerToken {
            requireLabels(labels);
        }

        @Override
        public int count() {
            return labels.length;
        }

        @Override
        public PerToken of(int... which) {
            return new PerToken(chosen(labels, which));
        }

        @Override
        public String kind() {
            return "a label of each token";
        }
    }

    /**
     * A class of each sequence, image or row.
     *
     * @param classes (B), each at least 0, or {@link #IGNORE}
     */
    record Classes(int[] classes) implements Targets {
        /** Checks the classes. */
        public Classes {
            requireLabels(classes);
        }

        @Override
        public int count() {
            return classes.length;
        }

        @Override
        public Classes of(int... which) {
            return new Classes(chosen(classes, which));
        }

        @Override
        public String kind() {
            return "a class of each sequence or image";
        }
    }

    /**
     * Two classes of each image, which is a mixture of two: see {@link ImageBatch#mixed}.
     *
     * @param own (B) classes of the first images, with {@link #IGNORE} where an image is not scored
     * @param others (B) classes of the second ones, with {@link #IGNORE} in the same places
     * @param share of the first ones, from 0 to 1
     */
    record MixedClasses(Classes own, Classes others, double share) implements Targets {
        /** Checks that both have classes of the same images. */
        public MixedClasses {
            Mixture.requireShare(share);
            boolean same = own.count() == others.count();
            for (int i = 0; same && i < own.count(); i++) {
                same = (own.classes[i] == IGNORE) == (others.classes[i] == IGNORE);
            }
            if (!same) {
                throw new BadInputException("two classes of each image were to be mixed, and of " + own.count()
                        + " and " + others.count() + " images some have one only. Give each both, or none.");
            }
        }

        @Override
        public int count() {
            return own.count();
        }

        @Override
        public MixedClasses of(int... which) {
            return new MixedClasses(own.of(which), others.of(which), share);
        }

        @Override
        public String kind() {
            return "two classes of each image";
        }
    }

    /**
     * Numbers of each sequence or image.
     *
     * @param values (B · n), row by row; finite
     * @param each n
     */
    record Numbers(float[] values, int each) implements Targets {
        /** Checks the values. */
        public Numbers {
            requireFinite(values, each);
        }

        @Override
        public int count() {
            return values.length / each;
        }

        @Override
        public Numbers of(int... which) {
            return new Numbers(chosen(values, each, which), each);
        }

        @Override
        public String kind() {
            return each + " numbers of each sequence or image";
        }
    }

    /**
     * Several labels of each sequence or image.
     *
     * @param values (B · n), row by row: 1 for a label that is there, 0 for one that is not, or a probability
     * @param each n
     */
    record LabelSets(float[] values, int each) implements Targets {
        /** Checks the values. */
        public LabelSets {
            requireFinite(values, each);
        }

        @Override
        public int count() {
            return values.length / each;
        }

        @Override
        public LabelSets of(int... which) {
            return new LabelSets(chosen(values, each, which), each);
        }

        @Override
        public String kind() {
            return each + " labels of each sequence or image";
        }
    }

    /**
     * A span of tokens of each sequence: the answer to a question.
     *
     * @param first (B), its first token as counted in its sequence, or {@link #IGNORE}
     * @param last (B), its last token
     */
    record Spans(int[] first, int[] last) implements Targets {
        /** Checks the tokens. */
        public Spans {
            requireLabels(first);
            requireLabels(last);
            if (first.length != last.length) {
                throw new BadInputException(first.length + " first and " + last.length
                        + " last tokens of spans were given. Give one of each for every sequence.");
            }
        }

        @Override
        public int count() {
            return first.length;
        }

        /** The same with so many tokens in front of each sequence. */
        Spans behind(int[] rows) {
            return new Spans(behind(first, rows), behind(last, rows));
        }

        private static int[] behind(int[] places, int[] rows) {
            int[] moved = new int[places.length];
            Arrays.setAll(moved, s -> places[s] == IGNORE ? IGNORE : places[s] + rows[s]);
            return moved;
        }

        @Override
        public Spans of(int... which) {
            return new Spans(chosen(first, which), chosen(last, which));
        }

        @Override
        public String kind() {
            return "a span of each sequence";
        }
    }

    /**
     * Spans as rows of a batch: what a head makes of {@link Spans}.
     *
     * @param first (B), row of the first token, or {@link #IGNORE} for both where a sequence is not scored
     * @param last (B), row of the last token
     * @param starts (B + 1), first rows of the sequences, and the number of all rows
     */
    record RowSpans(int[] first, int[] last, int[] starts) implements Targets {
        @Override
        public int count() {
            return first.length;
        }

        @Override
        public RowSpans of(int... which) {
            throw new AssertionError("spans are compared with all rows of a batch at once");
        }

        @Override
        public String kind() {
            return "a span of each sequence";
        }
    }

    /**
     * The targets of several examples, in their order.
     *
     * @throws BadInputException if they are not of one kind
     */
    static Targets joined(List<Targets> parts) {
        if (parts.isEmpty()) {
            return none();
        }
        Targets first = parts.get(0);
        for (int i = 1; i < parts.size(); i++) {
            Targets part = parts.get(i);
            if (part.getClass() != first.getClass() || each(part) != each(first)) {
                throw new BadInputException("example " + i + " of a batch has " + part.kind() + ", the first one "
                        + first.kind() + ". Give all examples of a batch the same kind.");
            }
        }
        if (first instanceof PerToken) {
            return new PerToken(ints(parts, t -> ((PerToken) t).labels));
        }
        if (first instanceof Classes) {
            return new Classes(ints(parts, t -> ((Classes) t).classes));
        }
        if (first instanceof Spans) {
            return new Spans(ints(parts, t -> ((Spans) t).first), ints(parts, t -> ((Spans) t).last));
        }
        if (first instanceof Numbers numbers) {
            return new Numbers(floats(parts, t -> ((Numbers) t).values), numbers.each);
        }
        if (first instanceof LabelSets sets) {
            return new LabelSets(floats(parts, t -> ((LabelSets) t).values), sets.each);
        }
        return new None(parts.size());
    }

    private static int each(Targets targets) {
        if (targets instanceof Numbers numbers) {
            return numbers.each;
        }
        return targets instanceof LabelSets sets ? sets.each : 1;
    }

    private static int[] ints(List<Targets> parts, Function<Targets, int[]> of) {
        return parts.stream().map(of).flatMapToInt(Arrays::stream).toArray();
    }

    private static float[] floats(List<Targets> parts, Function<Targets, float[]> of) {
        float[] all = new float[parts.stream().mapToInt(t -> of.apply(t).length).sum()];
        int at = 0;
        for (Targets part : parts) {
            float[] values = of.apply(part);
            System.arraycopy(values, 0, all, at, values.length);
            at += values.length;
        }
        return all;
    }

    private static int[] chosen(int[] labels, int... which) {
        return Arrays.stream(which).map(i -> labels[i]).toArray();
    }

    private static float[] chosen(float[] values, int each, int... which) {
        float[] out = new float[which.length * each];
        for (int i = 0; i < which.length; i++) {
            System.arraycopy(values, which[i] * each, out, i * each, each);
        }
        return out;
    }

    private static void requireLabels(int... labels) {
        for (int label : labels) {
            if (label < 0 && label != IGNORE) {
                throw new BadInputException("the label " + label + " was given; it is at least 0, or " + IGNORE
                        + " for what is not scored. Correct the record.");
            }
        }
    }

    private static void requireFinite(float[] values, int each) {
        if (each < 1 || values.length % each != 0) {
            throw new BadInputException(
                    values.length + " values were given, " + each + " for each example. Give as many for each.");
        }
        for (float v : values) {
            if (!Float.isFinite(v)) {
                throw new BadInputException(
                        "the value " + v + " was to be predicted; values are finite numbers. Correct the record.");
            }
        }
    }
}
