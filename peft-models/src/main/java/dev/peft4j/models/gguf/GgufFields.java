package dev.peft4j.models.gguf;

import dev.peft4j.core.error.BadFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Values of a file by key, checked when they are asked for.
 *
 * @param file for messages
 * @param values by key
 */
record GgufFields(Path file, Map<String, Object> values) {
    private static final long LARGEST = 1 << 24; // of what a model has of anything

    /** What to throw where a value is wrong: it names the file. */
    BadFileException bad(String problem) {
        return new BadFileException(file, problem);
    }

    private BadFileException unexpected(String key, String expected) {
        Object value = values.get(key);
        return bad(key + " is " + (value == null ? "missing" : GgufHeader.shown(value)) + " where " + expected
                + " was expected. Use another file, or make it again.");
    }

    boolean has(String key) {
        return values.get(key) != null;
    }

    String text(String key) throws BadFileException {
        if (values.get(key) instanceof String s) {
            return s;
        }
        throw unexpected(key, "a text");
    }

    String text(String key, String otherwise) throws BadFileException {
        return has(key) ? text(key) : otherwise;
    }

    boolean flag(String key, boolean otherwise) throws BadFileException {
        if (!has(key)) {
            return otherwise;
        }
        if (values.get(key) instanceof Boolean b) {
            return b;
        }
        throw unexpected(key, "true or false");
    }

    /** A whole number from 1 on. */
    long size(String key) throws BadFileException {
        if (values.get(key) instanceof Number n
                && (n instanceof Long || n instanceof Integer)
                && n.longValue() >= 1
                && n.longValue() <= LARGEST) {
            return n.longValue();
        }
        throw unexpected(key, "a whole number from 1 to " + LARGEST);
    }

    long size(String key, long otherwise) throws BadFileException {
        return has(key) ? size(key) : otherwise;
    }

    /** A finite number; one in single precision as the shortest decimal that means it, as people write it. */
    double number(String key) throws BadFileException {
        if (values.get(key) instanceof Number n && Double.isFinite(n.doubleValue())) {
            return n instanceof Float f ? Double.parseDouble(Float.toString(f)) : n.doubleValue();
        }
        throw unexpected(key, "a number");
    }

    double number(String key, double otherwise) throws BadFileException {
        return has(key) ? number(key) : otherwise;
    }

    /** The id of a token, or null where it is missing. */
    @Nullable
    Integer token(String key, int vocabulary) throws BadFileException {
        if (!has(key)) {
            return null;
        }
        if (values.get(key) instanceof Long id && id >= 0 && id < vocabulary) {
            return id.intValue();
        }
        throw unexpected(key, "the id of one of " + vocabulary + " tokens");
    }

    /** A list whose elements are all of a kind, as it is: lists of numbers take the memory of their bytes only. */
    @SuppressWarnings("unchecked") // each element was looked at
    <T> List<T> list(String key, Class<T> of) throws BadFileException {
        if (values.get(key) instanceof List<?> l && l.stream().allMatch(of::isInstance)) {
            return (List<T>) l;
        }
        throw unexpected(key, "a list of " + of.getSimpleName());
    }
}
