package dev.peft4j.models.jinja;

import java.util.List;

/** Python's tuple, which is not equal to a list of the same items. */
record Tuple(List<Object> items) {
    static Tuple of(Object... items) {
        return new Tuple(List.of(items));
    }
}
