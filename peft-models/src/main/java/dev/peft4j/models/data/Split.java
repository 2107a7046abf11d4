package dev.peft4j.models.data;

import dev.peft4j.core.error.BadInputException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * Records to train on, and some that are held out to evaluate on.
 *
 * @param train in the order that they were given in
 * @param heldOut in the same order
 */
public record Split(List<TextRecord> train, List<TextRecord> heldOut) {
    private static final double TENTH = 0.1;

    /** Holds out a tenth; fewer than ten records are all trained on. */
    public static Split tenth(List<TextRecord> records, long seed) {
        return of(records, TENTH, seed);
    }

    /**
     * Holds out a share, drawn with a seed. Records of one prompt, or of one text if there are no prompts, stay together, so that what is evaluated was
     * not trained on; and the classes have about the same shares on both sides.
     *
     * @param share of the records, from 0 up to but not including 1; rounded down
     */
    public static Split of(List<TextRecord> records, double share, long seed) {
        Parts<TextRecord> parts = parts(
                records,
                r -> r.prompt().isEmpty() ? r.text() : r.prompt(),
                r -> r.prompt() + '\0' + r.text(),
                r -> String.valueOf(r.label()),
                share,
                seed);
        return new Split(parts.train, parts.heldOut);
    }

    /** The same, but that a record which would be held out alone is trained on: where records are compared with each other, it can be compared with none. */
    public Split withNoneAlone() {
        return heldOut.size() == 1 ? new Split(all(), List.of()) : this;
    }

    /**
     * Records of another kind.
     *
     * @param train in the order that they were given in
     * @param heldOut in the same order
     */
    public record Parts<T>(List<T> train, List<T> heldOut) {}

    /**
     * Holds out a share of records of another kind, drawn with a seed. Those of one prompt stay together, unless all have one.
     *
     * @param prompt of a record, by its {@code equals}
     * @param share of the records, from 0 up to but not including 1; rounded down
     */
    public static <T> Parts<T> parts(List<T> records, Function<? super T, ?> prompt, double share, long seed) {
        return parts(records, prompt, r -> r, r -> "", share, seed);
    }

    private static <T> Parts<T> parts(
            List<T> records,
            Function<? super T, ?> prompt,
            Function<? super T, ?> whole,
            Function<? super T, String> label,
            double share,
            long seed) {
        if (!(share >= 0 && share < 1)) {
            throw new BadInputException("a share of " + share
                    + " of the records was to be held out; it must be at least 0 and below 1. Give one such as 0.1.");
        }
        Parts<T> parts = draw(records, prompt, label, share, seed);
        return parts.heldOut.isEmpty() ? draw(records, whole, label, share, seed) : parts; // one prompt for all
    }

    /** All records, those to train on first: what their labels are, where both sides are of one file. */
    public List<TextRecord> all() {
        List<TextRecord> all = new ArrayList<>(train);
        all.addAll(heldOut);
        return all;
    }

    private static <T> Parts<T> draw(
            List<T> records, Function<? super T, ?> key, Function<? super T, String> label, double share, long seed) {
        Map<Object, List<Integer>> groups = new LinkedHashMap<>();
        for (int i = 0; i < records.size(); i++) {
            groups.computeIfAbsent(key.apply(records.get(i)), k -> new ArrayList<>())
                    .add(i);
        }
        List<List<Integer>> order = new ArrayList<>(groups.values());
        Collections.shuffle(order, new Random(seed));
        Map<String, List<List<Integer>>> byClass = new TreeMap<>();
        for (List<Integer> group : order) {
            String name = label.apply(records.get(group.get(0)));
            byClass.computeIfAbsent(name, k -> new ArrayList<>()).add(group);
        }
        boolean[] out = new boolean[records.size()];
        double wanted = 0; // so far, with what rounding has left of other classes
        for (List<List<Integer>> ofClass : byClass.values()) {
            wanted += share * ofClass.stream().mapToInt(List::size).sum();
            wanted -= take(ofClass, (int) Math.floor(wanted + 1e-9), out);
        }
        List<T> train = new ArrayList<>();
        List<T> heldOut = new ArrayList<>();
        for (int i = 0; i < out.length; i++) {
            (out[i] ? heldOut : train).add(records.get(i));
        }
        return new Parts<>(List.copyOf(train), List.copyOf(heldOut));
    }

    /** Takes whole groups as long as they fit into a number of records; returns how many records these are. */
    private static int take(List<List<Integer>> groups, int most, boolean[] out) {
        int taken = 0;
        for (List<Integer> group : groups) {
            if (taken + group.size() <= most) {
                group.forEach(i -> out[i] = true);
                taken += group.size();
            }
        }
        return taken;
    }
}
