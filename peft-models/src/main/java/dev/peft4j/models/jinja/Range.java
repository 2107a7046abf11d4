package dev.peft4j.models.jinja;

import java.util.AbstractList;

/** Whole numbers at the same distance, as Python's {@code range} gives them: a list but for how it is printed. */
final class Range extends AbstractList<Object> {
    private final long begin;
    private final long end;
    private final long step;
    private final int size;

    Range(long begin, long end, long step, int size) {
        this.begin = begin;
        this.end = end;
        this.step = step;
        this.size = size;
    }

    @Override
    public Object get(int index) {
        return begin + index * step;
    }

    @Override
    public int size() {
        return size;
    }

    String printed() {
        return "range(" + begin + ", " + end + (step == 1 ? "" : ", " + step) + ")";
    }
}
