package dev.peft4j.models.data;

import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.error.BadInputException;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What the labels of records mean to a classifier: the number of a class, which labels to be there or not, or numbers to predict.
 *
 * @param problem what is predicted
 * @param outputs how many classes, labels or numbers; labels are checked against it; 0 if nothing of that kind is predicted
 * @param names of the classes or labels, in their order; empty if they are numbered from 0
 */
public record Labels(ProblemType problem, int outputs, List<String> names) {
    private static final int FEW = 20; // classes that a small file may have
    private static final int MOST_TAGS = 2000;

    /** Checks that there are as many names as outputs, or none. */
    public Labels {
        names = IndexedNames.of(names);
        if (outputs < 0 || (!names.isEmpty() && names.size() != outputs)) {
            throw new BadInputException(outputs + " classes and the names " + names
                    + " were given; there is a name for each or none. Correct one of them.");
        }
    }

    /** Of a model that predicts no classes, labels or numbers. */
    public static Labels none() {
        return new Labels(ProblemType.SINGLE_LABEL_CLASSIFICATION, 0, List.of());
    }

    /** Classes that are numbered from 0. */
    public static Labels numbered(int classes) {
        if (classes < 1) {
            throw new BadInputException(
                    classes + " classes were asked for; there is at least one. Correct the number.");
        }
        return new Labels(ProblemType.SINGLE_LABEL_CLASSIFICATION, classes, List.of());
    }

    /**
     * The classes that records have. Numbers from 0 on stay what they are ({@code 0.0} is 0); other labels are names, and sorted: numbers by their
     * value, words by their letters. {@code 01} and {@code +1} are names.
     *
     * @throws BadInputException if a record has no label, there is only one class, labels are no classes, or two are one number in two texts ({@code 1}, {@code 1.0})
     */
    public static Labels ofClasses(List<TextRecord> records) {
        return ofClasses(records, Integer.MAX_VALUE);
    }

    /**
     * The same for so many classes at most, where numbers are checked against them at once.
     *
     * @throws BadInputException with file and line, too, if a number is too large
     */
    public static Labels ofClasses(List<TextRecord> records, int most) {
        LabelText.requireEach(records);
        Map<String, TextRecord> first = new TreeMap<>();
        records.forEach(r -> first.putIfAbsent(LabelText.of(r), r));
        List<String> found = new ArrayList<>(first.keySet());
        if (found.size() > Math.max(FEW, records.size() / 2)) {
            throw new BadInputException(
                    records.size() + " records have " + found.size()
                            + " different labels, such as " + found.subList(0, 3)
                            + records.get(0).firstPlace()
                            + ", which are too many to be classes. Name the column of the label (--label-column; in Java withLabel).");
        }
        boolean numbers = found.stream().allMatch(l -> LabelText.number(l) != null);
        for (Map.Entry<String, TextRecord> label : first.entrySet()) {
            if (numbers && !isWhole(LabelText.number(label.getKey()))) {
                throw label.getValue()
                        .error("the label " + label.getKey()
                                + " lies between classes, which are whole numbers or names."
                                + " To predict numbers, ask for one output (--classes 1; in Java classes(1)).");
            }
        }
        return ofFound(first, most);
    }

    private static boolean isWhole(@Nullable BigDecimal n) {
        try {
            return n != null && n.intValueExact() == n.intValue();
        } catch (ArithmeticException e) {
            return false;
        }
    }

    /** The classes of some labels, of which each has its first record. */
    private static Labels ofFound(Map<String, TextRecord> first, int most) {
        List<String> found = List.copyOf(first.keySet());
        TreeMap<Integer, String> values = new TreeMap<>();
        for (Map.Entry<String, TextRecord> label : first.entrySet()) {
            Integer n = LabelText.whole(label.getKey());
            if (n == null) {
                return several(found, first);
            }
            String other = values.putIfAbsent(n, label.getKey());
            if (other != null) {
                throw twice(label.getValue(), label.getKey(), other, String.valueOf(n));
            }
        }
        int largest = values.lastKey();
        if (most < Integer.MAX_VALUE && values.size() <= most && values.firstKey() >= 0) {
            Labels numbered = numbered(most);
            first.forEach((label, record) -> numbered.classOf(record, label));
            return numbered;
        }
        if (values.firstKey() == 0
                && largest < 2 * values.size()) { // a class or two may be missing from some of the records
            requireSeveral(largest + 1, first);
            return numbered(largest + 1);
        }
        return several(values.keySet().stream().map(String::valueOf).toList(), first);
    }

    private static IllegalArgumentException twice(TextRecord record, String label, String other, String name) {
        return record.error(
                "the labels " + other + " and " + label + " were found, which are two texts and both mean the class "
                        + name + ". Write it in one way everywhere, or give the classes names that are no numbers.");
    }

    private static Labels several(List<String> names, Map<String, TextRecord> first) {
        requireSeveral(names.size(), first);
        return new Labels(ProblemType.SINGLE_LABEL_CLASSIFICATION, names.size(), names);
    }

    private static void requireSeveral(int classes, Map<String, TextRecord> first) {
        if (classes < 2) {
            Map.Entry<String, TextRecord> only = first.entrySet().iterator().next();
            throw new BadInputException("classes were to be learnt, and all records have the label " + only.getKey()
                    + only.getValue().firstPlace() + ". Give records of at least two classes.");
        }
    }

    /**
     * The tags that the words of records have: numbers from 0 on stay what they are, others are names, and sorted as {@link #ofClasses(List)} does.
     *
     * @throws BadInputException if a record has none, or there is only one tag
     */
    public static Labels ofTags(List<TextRecord> records) {
        return ofTags(records, Integer.MAX_VALUE);
    }

    /**
     * The same for so many tags at most, where numbers are checked against them at once.
     *
     * @throws BadInputException with file and line, too, if a number is too large
     */
    public static Labels ofTags(List<TextRecord> records, int most) {
        records.forEach(r -> TagEncoder.requireTagEach(r, LabelText.parts(r).size()));
        Map<String, TextRecord> found = found(records);
        if (found.isEmpty()) {
            throw new BadInputException("tags were to be learnt, and none of " + records.size()
                    + " records has one. Give a tag for each word.");
        }
        return ofFound(found, most);
    }

    /**
     * The labels of records that have several, or none, of each: names, and sorted; or 1 and 0 for as many labels as a record has.
     *
     * @throws BadInputException if a record has no list of them
     */
    static Labels ofSets(List<TextRecord> records) {
        Map<String, TextRecord> found = found(records);
        boolean flags = found.keySet().stream().allMatch(label -> isFlag(LabelText.number(label)));
        if (!flags && found.keySet().stream().allMatch(label -> LabelText.number(label) != null)) {
            found.forEach((label, record) -> requireWhole(record, label));
        }
        int most = records.stream().mapToInt(Labels::count).max().orElse(0);
        return flags
                ? new Labels(ProblemType.MULTI_LABEL_CLASSIFICATION, Math.max(1, most), List.of())
                : new Labels(ProblemType.MULTI_LABEL_CLASSIFICATION, found.size(), List.copyOf(found.keySet()));
    }

    private static void requireWhole(TextRecord record, String label) {
        if (!isWhole(LabelText.number(label))) {
            throw record.error("the labels are lists of numbers, and " + label
                    + " is the number of no label. Name the labels, or, to predict several numbers, write"
                    + " \"problem_type\": \"regression\" into config.json.");
        }
    }

    /** All that stands in the lists of records, with the first record of each. */
    private static Map<String, TextRecord> found(List<TextRecord> records) {
        Map<String, TextRecord> first = new TreeMap<>();
        for (TextRecord r : records) {
            LabelText.parts(r).forEach(part -> first.putIfAbsent(part, r));
            if (first.size() > MOST_TAGS) {
                throw r.error(
                        "the records up to this one have more than " + MOST_TAGS
                                + " different labels, which are too many to be learnt. Name the column of the labels (--label-column; in Java withLabel).");
            }
        }
        return first;
    }

    /**
     * The numbers of the tags of a record, one for each of its words.
     *
     * @throws BadInputException with file and line, if it has no tags, or one that is not among these
     */
    public int[] tagsOf(TextRecord record) {
        return LabelText.parts(record).stream()
                .mapToInt(tag -> classOf(record, tag))
                .toArray();
    }

    /**
     * The number of the class of a record.
     *
     * @throws BadInputException with file and line, if it has no label or not one of these classes
     */
    public int classOf(TextRecord record) {
        return classOf(record, LabelText.of(record));
    }

    private int classOf(TextRecord record, String label) {
        int named = names.indexOf(label);
        if (named >= 0) {
            return named;
        }
        Integer n = LabelText.whole(label);
        int number = n == null ? -1 : names.indexOf(String.valueOf(n));
        if (number >= 0) {
            return number;
        }
        if (n != null && n >= 0 && n < outputs && !IndexedNames.of(names).hasNumbers()) {
            return n;
        }
        throw record.error("the label " + JsonLine.shorten(label) + " was found; "
                + (names.isEmpty()
                        ? "classes are numbered from 0"
                                + (outputs < Integer.MAX_VALUE ? " to " + (outputs - 1) + "." : ".")
                        : "the classes are " + names + "." + TargetModules.suggestion(label, names))
                + " Correct the label, or the number of classes (--classes; in Java classes).");
    }

    /**
     * Makes sure that records name a class by one text, and not as {@code 1} here and as {@code 1.0} there, or by its name and by its number: they may be meant as two.
     *
     * @param ofTags whether records have a label for each word
     * @throws BadInputException with file and line, if there are two texts for one class
     */
    void requireOneText(List<TextRecord> records, boolean ofTags) {
        Map<Integer, String> texts = new HashMap<>();
        Set<String> seen = new HashSet<>();
        for (TextRecord record : records) {
            for (String label : ofTags ? LabelText.parts(record) : List.of(LabelText.of(record))) {
                if (!seen.add(label)) {
                    continue;
                }
                int found = classOf(record, label);
                String other = texts.putIfAbsent(found, label);
                if (other != null && !other.equals(label)) {
                    throw twice(record, label, other, name(found));
                }
            }
        }
    }

    /**
     * What is to be predicted of a record that has no single class: a number for each output; 1 and 0 for labels that are there and that are not.
     *
     * @throws BadInputException with file and line, if it has no label, or not one number for each output
     */
    public float[] valuesOf(TextRecord record) {
        List<String> parts = LabelText.parts(record);
        if (problem == ProblemType.MULTI_LABEL_CLASSIFICATION && !names.isEmpty()) {
            List<String> unknown =
                    parts.stream().filter(p -> !names.contains(p)).toList();
            if (unknown.isEmpty()) {
                float[] there = new float[outputs];
                parts.forEach(p -> there[names.indexOf(p)] = 1);
                return there;
            }
            if (!parts.stream().allMatch(p -> isFlag(LabelText.number(p)))) {
                String wrong = unknown.stream()
                        .filter(p -> !isFlag(LabelText.number(p)))
                        .findFirst()
                        .orElse(unknown.get(0));
                throw record.error("the label " + JsonLine.shorten(wrong) + " was found; the labels are " + names + "."
                        + TargetModules.suggestion(wrong, names)
                        + " Correct it, or give 1 or 0 for each label.");
            }
        }
        if (problem == ProblemType.MULTI_LABEL_CLASSIFICATION && parts.isEmpty()) {
            return new float[outputs];
        }
        float[] values = new float[parts.size()];
        for (int i = 0; i < values.length; i++) {
            BigDecimal n = LabelText.number(parts.get(i));
            boolean isFinite = n != null && Float.isFinite(n.floatValue());
            if (n == null || !isFinite || (problem != ProblemType.REGRESSION && !isFlag(n))) {
                throw record.error("the label " + JsonLine.shorten(parts.get(i)) + " was found where "
                        + (problem == ProblemType.REGRESSION
                                ? "a number is predicted, of at most 3.4e38"
                                : "each label is 1 or 0")
                        + ". Correct the record.");
            }
            values[i] = n.floatValue();
        }
        if (values.length != outputs) {
            throw record.error(values.length + " labels were found where " + outputs
                    + " are predicted. Correct the record, or the number of labels (--classes; in Java classes).");
        }
        return values;
    }

    private static boolean isFlag(@Nullable BigDecimal n) {
        return n != null && (n.signum() == 0 || n.compareTo(BigDecimal.ONE) == 0);
    }

    /** How many labels or numbers a record has. */
    public static int count(TextRecord record) {
        return LabelText.parts(record).size();
    }

    /** How many records each class or label has. */
    public int[] counts(List<TextRecord> records) {
        int[] counts = new int[outputs];
        if (problem == ProblemType.MULTI_LABEL_CLASSIFICATION) {
            for (TextRecord record : records) {
                float[] there = valuesOf(record);
                for (int i = 0; i < there.length; i++) {
                    counts[i] += there[i] > 0.5f ? 1 : 0;
                }
            }
            return counts;
        }
        records.forEach(r -> counts[classOf(r)]++);
        return counts;
    }

    /** The name of a class, or its number. */
    public String name(int index) {
        return names.isEmpty() ? String.valueOf(index) : names.get(index);
    }
}
