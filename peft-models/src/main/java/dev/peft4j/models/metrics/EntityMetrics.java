package dev.peft4j.models.metrics;

import dev.peft4j.core.error.BadInputException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * How well entities were found in tagged tokens: one is right if its first token, its last and its type are. Equal to seqeval in its default mode, which
 * follows conlleval: an entity begins with B-, and with I- where none of its type goes on. E- and S-, of schemes that mark ends and single tokens, mean what
 * they mean there.
 *
 * <p>Tjong Kim Sang and De Meulder 2003, <a href="https://aclanthology.org/W03-0419">paper</a>, section 2.3.
 *
 * @param tokenAccuracy share of tokens whose tag is right, from 0 to 1; NaN if there are no tokens
 * @param micro of the entities of all types counted together; zeros if there are none
 * @param macro mean over types
 * @param weighted mean over types, each by its support
 * @param perType by the name of the type, for all types that were expected or predicted; {@code _} is the type of tags without one
 */
public record EntityMetrics(
        double tokenAccuracy, Scores micro, Scores macro, Scores weighted, SortedMap<String, Scores> perType) {
    private static final String OUTSIDE = "O";
    private static final String UNNAMED = "_";

    /** Takes a copy of the map. */
    public EntityMetrics {
        perType = Collections.unmodifiableSortedMap(new TreeMap<>(perType));
    }

    /** From its first token to its last. */
    private record Entity(String type, int first, int last) {}

    /** Of one type. */
    private static final class Counts {
        long right;
        long predicted;
        long expected;
    }

    /**
     * Compares tags, such as O, B-PER and I-PER.
     *
     * @param expected tags of the tokens of each sequence
     * @param predicted the same in the same order
     * @throws BadInputException if there are no sequences, the lengths differ or a tag is none
     */
    public static EntityMetrics of(List<List<String>> expected, List<List<String>> predicted) {
        Inputs.requirePairs("sequences of tags", expected.size(), predicted.size());
        SortedMap<String, Counts> counts = new TreeMap<>();
        long tokens = 0;
        long right = 0;
        for (int i = 0; i < expected.size(); i++) {
            List<String> asked = List.copyOf(expected.get(i));
            List<String> found = List.copyOf(predicted.get(i));
            if (asked.size() != found.size()) {
                throw new BadInputException("tags of tokens were to be compared, and sequence " + i + " has "
                        + found.size() + " predicted and " + asked.size()
                        + " expected ones. Give one of each for every token.");
            }
            for (int t = 0; t < asked.size(); t++) {
                right += asked.get(t).equals(found.get(t)) ? 1 : 0;
            }
            tokens += asked.size();
            compare(entities(i, asked), entities(i, found), counts);
        }
        SortedMap<String, Scores> perType = new TreeMap<>();
        Counts all = new Counts();
        counts.forEach((type, c) -> {
            perType.put(type, Scores.of(c.right, c.predicted, c.expected));
            all.right += c.right;
            all.predicted += c.predicted;
            all.expected += c.expected;
        });
        List<Scores> scores = List.copyOf(perType.values());
        return new EntityMetrics(
                (double) right / tokens,
                Scores.of(all.right, all.predicted, all.expected),
                Scores.macro(scores),
                Scores.weighted(scores),
                perType);
    }

    /** Both lists are in the order of first tokens, at each of which one entity begins at most. */
    private static void compare(List<Entity> expected, List<Entity> predicted, SortedMap<String, Counts> counts) {
        expected.forEach(e -> of(e, counts).expected++);
        int next = 0;
        for (Entity found : predicted) {
            of(found, counts).predicted++;
            while (next < expected.size() && expected.get(next).first < found.first) {
                next++;
            }
            if (next < expected.size() && expected.get(next).equals(found)) {
                of(found, counts).right++;
            }
        }
    }

    private static Counts of(Entity entity, SortedMap<String, Counts> counts) {
        return counts.computeIfAbsent(entity.type, t -> new Counts());
    }

    private static List<Entity> entities(int sequence, List<String> tags) {
        List<Entity> entities = new ArrayList<>();
        String before = OUTSIDE;
        int first = 0;
        for (int i = 0; i <= tags.size(); i++) {
            String tag = i < tags.size() ? tags.get(i) : OUTSIDE;
            requireTag(sequence, i, tag);
            boolean begins = begins(before, tag);
            if (!before.equals(OUTSIDE) && (begins || tag.equals(OUTSIDE))) {
                entities.add(new Entity(type(before), first, i - 1));
            }
            first = begins ? i : first;
            before = tag;
        }
        return entities;
    }

    private static boolean begins(String before, String tag) {
        return !tag.equals(OUTSIDE)
                && ("BS".indexOf(tag.charAt(0)) >= 0
                        || "OES".indexOf(before.charAt(0)) >= 0
                        || !type(before).equals(type(tag)));
    }

    private static String type(String tag) {
        return tag.length() > 2 ? tag.substring(2) : UNNAMED;
    }

    private static void requireTag(int sequence, int token, String tag) {
        boolean some = !tag.isEmpty() && "BIES".indexOf(tag.charAt(0)) >= 0;
        if (!tag.equals(OUTSIDE) && !(some && (tag.length() == 1 || tag.charAt(1) == '-'))) {
            throw new BadInputException(
                    "entities were to be compared, whose tags are O or begin with B- or I-, and token " + token
                            + " of sequence " + sequence + " has \"" + tag
                            + "\". Give its tag, not its number or text.");
        }
    }
}
