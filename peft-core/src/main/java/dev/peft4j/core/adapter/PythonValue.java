package dev.peft4j.core.adapter;

import java.util.Collection;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Values of JSON as Python takes them, where PEFT computes with them: which are true, which are numbers, and how a message tells them. */
final class PythonValue {
    private static final int LONGEST = 100; // characters of a value that a message tells

    private PythonValue() {}

    /** Null, 0, an empty text, list or map are false. */
    static boolean isTrue(@Nullable Object value) {
        if (value instanceof Boolean b) {
            return b;
        }
        if (value instanceof Number n) {
            return n.doubleValue() != 0;
        }
        if (value instanceof String s) {
            return !s.isEmpty();
        }
        if (value instanceof Collection<?> c) {
            return !c.isEmpty();
        }
        return value instanceof Map<?, ?> m ? !m.isEmpty() : value != null;
    }

    /** A whole number, as which true and false are 1 and 0; null for anything else. */
    static @Nullable Integer whole(@Nullable Object value) {
        if (value instanceof Boolean b) {
            return b ? 1 : 0;
        }
        return value instanceof Integer n ? n : null;
    }

    /** Any number, or null for what is none. */
    static @Nullable Double number(@Nullable Object value) {
        if (value instanceof Boolean b) {
            return b ? 1.0 : 0.0;
        }
        return value instanceof Number n ? (Double) n.doubleValue() : null;
    }

    /** For a message: as in the file, but null by Python's name of it and a long text cut off. */
    static String shown(@Nullable Object value) {
        if (value == null) {
            return "None";
        }
        String text = value instanceof String s ? "\"" + s + "\"" : String.valueOf(value);
        return (text.length() <= LONGEST ? text : text.substring(0, LONGEST) + "...").replace("null", "None");
    }
}
