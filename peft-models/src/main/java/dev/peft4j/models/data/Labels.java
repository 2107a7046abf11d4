package dev.peft4j.models.data;

import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.error.BadInputException;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What the labels of records mean to a classifier: the number of a class, which labels to be there or not, or numbers to predict.
 *
 * @param problem what is predicted
 * @param outputs how many classes, labels or numbers; labels are checked against it
 * @param names of the classes or labels, in their order; empty if they are numbered from 0
 */
public record Labels(ProblemType problem, int outputs, List<String> names) {
    private static final int FEW = 20; // classes that a small file may have
    private static final int MOST_TAGS = 2000;
    private static final Pattern SEPARATOR = Pattern.compile("\\s*,\\s*|\\s+");

    /** Checks that there are as many names as outputs, or none. */
    public Labels {
        names = List.copyOf(names);
        if (outputs < 1 || (!names.isEmpty() && names.size() != outputs)) {
            throw new BadInputException(outputs + " classes and the names " + names
                    + " were given; there is at least one, and a name for each or none. Correct one of them.");
        }
    }

    /** Classes that are numbered from 0. */
    public static Labels numbered(int classes) {
        return new Labels(ProblemType.SINGLE_LABEL_CLASSIFICATION, classes, List.of());
    }

    /**
     * The classes that records have. Numbers from 0 on stay what they are ({@code 0.0} is 0); other labels are names, and sorted: numbers by their
     * value, words by their letters.
     *
     * @throws BadInputException if a record has no label, there is only one class, or labels are no classes
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
        Map<String, TextRecord> first = new TreeMap<>();
        records.forEach(r -> first.putIfAbsent(text(r), r));
        List<String> found = new ArrayList<>(first.keySet());
        if (found.size() > Math.max(FEW, records.size() / 2)) {
            throw new BadInputException(records.size() + " records have " + found.size()
                    + " different labels, such as " + found.subList(0, 3)
                    + ", which are too many to be classes. Name the column of the label (--label-column).");
        }
        boolean numbers = found.stream().allMatch(l -> number(l) != null);
        if (!numbers) {
            return several(found);
        }
        for (Map.Entry<String, TextRecord> label : first.entrySet()) {
            if (whole(label.getKey()) == null) {
                throw label.getValue()
                        .error("the label " + label.getKey()
                                + " lies between classes, which are whole numbers or names."
                                + " To predict numbers, ask for one output (--classes 1).");
            }
        }
        TreeSet<BigDecimal> values = new TreeSet<>();
        found.stream().map(Labels::whole).filter(Objects::nonNull).forEach(values::add);
        boolean fromZero = values.first().signum() == 0;
        int largest = values.last().intValue();
        if (most < Integer.MAX_VALUE && values.size() <= most && values.first().signum() >= 0) {
            Labels numbered = numbered(most);
            first.values().forEach(numbered::classOf);
            return numbered;
        }
        if (fromZero && largest < 2 * values.size()) { // a class or two may be missing from some of the records
            requireSeveral(largest + 1, found);
            return numbered(largest + 1);
        }
        return several(values.stream().map(BigDecimal::toPlainString).toList());
    }

    private static Labels several(List<String> names) {
        requireSeveral(names.size(), names);
        return new Labels(ProblemType.SINGLE_LABEL_CLASSIFICATION, names.size(), names);
    }

    private static void requireSeveral(int classes, List<String> found) {
        if (classes < 2) {
            throw new BadInputException("classes were to be learnt, and all records have the label " + found.get(0)
                    + ". Give records of at least two classes.");
        }
    }

    /**
     * The tags that the words of records have, sorted.
     *
     * @throws BadInputException if a record has none, or there is only one tag
     */
    public static Labels ofTags(List<TextRecord> records) {
        TreeSet<String> found = new TreeSet<>();
        for (TextRecord r : records) {
            found.addAll(parts(text(r)));
            if (found.size() > MOST_TAGS) {
                throw r.error(
                        "the records up to this one have more than " + MOST_TAGS
                                + " different tags, which are too many to be learnt. Name the column of the tags (--label-column).");
            }
        }
        return several(List.copyOf(found));
    }

    /**
     * The numbers of the tags of a record, one for each of its words.
     *
     * @throws BadInputException with file and line, if it has no tags, or one that is not among these
     */
    public int[] tagsOf(TextRecord record) {
        return parts(text(record)).stream()
                .mapToInt(tag -> classOf(record, tag))
                .toArray();
    }

    /**
     * The number of the class of a record.
     *
     * @throws BadInputException with file and line, if it has no label or not one of these classes
     */
    public int classOf(TextRecord record) {
        return classOf(record, text(record));
    }

    private int classOf(TextRecord record, String label) {
        BigDecimal n = whole(label);
        int named = names.indexOf(n == null ? label : n.toPlainString());
        if (named >= 0) {
            return named;
        }
        if (n != null && n.signum() >= 0 && n.compareTo(BigDecimal.valueOf(outputs)) < 0 && !hasNumbers()) {
            return n.intValue();
        }
        throw record.error("the label " + label + " was found; "
                + (names.isEmpty()
                        ? "classes are numbered from 0"
                                + (outputs < Integer.MAX_VALUE ? " to " + (outputs - 1) + "." : ".")
                        : "the classes are " + names + "." + TargetModules.suggestion(label, names))
                + " Correct the label, or the number of classes (--classes).");
    }

    /** Whether the names are numbers, so that a number is never the place of a class. */
    private boolean hasNumbers() {
        return names.stream().anyMatch(n -> whole(n) != null);
    }

    /**
     * What is to be predicted of a record that has no single class: a number for each output; 1 and 0 for labels that are there and that are not.
     *
     * @throws BadInputException with file and line, if it has no label, or not one number for each output
     */
    public float[] valuesOf(TextRecord record) {
        List<String> parts = parts(text(record));
        boolean named =
                problem == ProblemType.MULTI_LABEL_CLASSIFICATION && !names.isEmpty() && names.containsAll(parts);
        if (named) {
            float[] there = new float[outputs];
            parts.forEach(p -> there[names.indexOf(p)] = 1);
            return there;
        }
        float[] values = new float[parts.size()];
        for (int i = 0; i < values.length; i++) {
            BigDecimal n = number(parts.get(i));
            if (n == null
                    || (problem != ProblemType.REGRESSION && n.signum() != 0 && n.compareTo(BigDecimal.ONE) != 0)) {
                throw record.error("the label " + parts.get(i) + " was found where "
                        + (problem == ProblemType.REGRESSION ? "a number is predicted" : "each label is 1 or 0")
                        + ". Correct the record.");
            }
            values[i] = n.floatValue();
        }
        if (values.length != outputs) {
            throw record.error(values.length + " labels were found where " + outputs
                    + " are predicted. Correct the record, or the number of labels (--classes).");
        }
        return values;
    }

    /** How many labels or numbers a record has. */
    public static int count(TextRecord record) {
        return parts(text(record)).size();
    }

    /** How many records each class has. */
    public int[] counts(List<TextRecord> records) {
        int[] counts = new int[outputs];
        records.forEach(r -> counts[classOf(r)]++);
        return counts;
    }

    /** The name of a class, or its number. */
    public String name(int index) {
        return names.isEmpty() ? String.valueOf(index) : names.get(index);
    }

    private static String text(TextRecord record) {
        String label = record.label();
        if (label == null || label.isBlank()) {
            throw record.error("the record has no label, and this model classifies. Name the column of the label"
                    + " (--label-column).");
        }
        return label.strip();
    }

    /** The entries of a JSON list, or of a list with commas or spaces. */
    private static List<String> parts(String label) {
        boolean list = label.startsWith("[") && label.endsWith("]");
        String inner = list ? label.substring(1, label.length() - 1).strip() : label;
        List<String> parts = new ArrayList<>();
        for (String part : inner.isEmpty() ? List.<String>of() : List.of(SEPARATOR.split(inner, -1))) {
            boolean quoted = list && part.length() > 1 && part.startsWith("\"") && part.endsWith("\"");
            parts.add(quoted ? part.substring(1, part.length() - 1) : part);
        }
        return parts;
    }

    private static @Nullable BigDecimal number(String text) {
        if (text.length() > 40) {
            return null;
        }
        try {
            return new BigDecimal(text);
        } catch (NumberFormatException e) {
            return null;
        }
    }

    /** A whole number that an int can hold, without its zeros behind the point. */
    private static @Nullable BigDecimal whole(String text) {
        BigDecimal n = number(text);
        try {
            return n == null ? null : BigDecimal.valueOf(n.intValueExact());
        } catch (ArithmeticException e) {
            return null;
        }
    }
}
