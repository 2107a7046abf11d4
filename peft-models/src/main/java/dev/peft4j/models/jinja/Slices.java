package dev.peft4j.models.jinja;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Parts of lists and texts: {@code a[first:end:step]}. */
final class Slices {
    private Slices() {}

    static Object slice(Run run, Object from, @Nullable Long first, @Nullable Long end, @Nullable Long step) {
        if (from instanceof Undefined undefined) {
            throw run.bad(undefined.why());
        }
        long by = step == null ? 1 : Math.max(-Integer.MAX_VALUE, Math.min(step, Integer.MAX_VALUE));
        if (by == 0) {
            throw run.bad("a part of something was asked for in steps of 0");
        }
        if (from instanceof String text) {
            return run.made(ofText(run, text, first, end, by));
        }
        if (from instanceof List<?> || from instanceof Tuple) {
            List<Object> chosen = chosen(run, Values.items(run, from), first, end, by);
            return from instanceof Tuple ? new Tuple(chosen) : chosen;
        }
        return new Undefined("'" + Values.typeName(from) + "' has no parts");
    }

    private static String ofText(Run run, String text, @Nullable Long first, @Nullable Long end, long by) {
        run.spendText(text.length());
        int[] characters = text.codePoints().toArray();
        StringBuilder part = new StringBuilder();
        Bounds bounds = Bounds.of(characters.length, first, end, by);
        for (long i = bounds.begin; bounds.holds(i); i += by) {
            part.appendCodePoint(characters[(int) i]);
        }
        return part.toString();
    }

    private static List<Object> chosen(Run run, List<Object> items, @Nullable Long first, @Nullable Long end, long by) {
        List<Object> chosen = new ArrayList<>();
        Bounds bounds = Bounds.of(items.size(), first, end, by);
        for (long i = bounds.begin; bounds.holds(i); i += by) {
            chosen.add(items.get((int) i));
        }
        run.spend(chosen.size());
        return chosen;
    }

    /** Where a part begins and where it has ended. */
    private record Bounds(long begin, long end, boolean isForward) {
        static Bounds of(int size, @Nullable Long first, @Nullable Long end, long by) {
            boolean forward = by > 0;
            int lowest = forward ? 0 : -1;
            int highest = forward ? size : size - 1;
            return new Bounds(
                    first == null ? (forward ? 0 : size - 1) : within(first, size, lowest, highest),
                    end == null ? (forward ? size : -1) : within(end, size, lowest, highest),
                    forward);
        }

        private static long within(long place, int size, int lowest, int highest) {
            long counted = place < 0 ? Math.max(place, -size - 1L) + size : place;
            return Math.max(lowest, Math.min(counted, highest));
        }

        boolean holds(long i) {
            return isForward ? i < end : i > end;
        }
    }

    /** A place of a list or text, or -1 if there is none; those below 0 count from the end. */
    static int place(long index, long size) {
        long place = index < 0 ? index + size : index;
        return place >= 0 && place < size ? (int) place : -1;
    }
}
