package dev.peft4j.core.adapter;

import dev.peft4j.core.error.BadInputException;
import java.util.ArrayList;
import java.util.List;

/**
 * A setting of a method as a user types it. Options of several methods with the same name are one option for the user, who gives it once for all of them.
 *
 * @param name with its dashes: {@code --r}
 * @param label what stands for the value in a help text: {@code R}
 * @param kind of its values
 * @param initial the value where none is given, as it would be typed; empty for none
 * @param description of the value, for a help text
 */
public record MethodOption(String name, String label, Kind kind, String initial, String description) {
    /** What a value is. */
    public enum Kind {
        /** Any text. */
        TEXT("a text"),
        /** A whole number. */
        WHOLE("a whole number of at most " + Integer.MAX_VALUE),
        /** A finite number. */
        NUMBER("a number"),
        /** Whole numbers with commas. */
        WHOLE_LIST("whole numbers of at most " + Integer.MAX_VALUE + " with commas between them");

        private final String expected;

        Kind(String expected) {
            this.expected = expected;
        }
    }

    /** {@code target_modules}, of all methods that act at layers: see {@link MethodValues#targetModules}. */
    public static final MethodOption TARGET_MODULES = new MethodOption(
            "--target-modules",
            "NAMES",
            Kind.TEXT,
            "",
            "layer names with commas, all-linear, or regex:PATTERN; those of PEFT for the architecture if none are given");

    /** Checks the name. */
    public MethodOption {
        if (!name.matches("--[a-z][a-z0-9-]*")) {
            throw new BadInputException(
                    "an option was to be named \"" + name
                            + "\"; a name is two dashes and small letters, digits and dashes behind them. Choose another name.");
        }
    }

    /** A text. */
    public static MethodOption text(String name, String label, String initial, String description) {
        return new MethodOption(name, label, Kind.TEXT, initial, description);
    }

    /** A whole number. */
    public static MethodOption whole(String name, String label, int initial, String description) {
        return new MethodOption(name, label, Kind.WHOLE, String.valueOf(initial), description);
    }

    /** A number. */
    public static MethodOption number(String name, String label, double initial, String description) {
        return new MethodOption(name, label, Kind.NUMBER, String.valueOf(initial), description);
    }

    /** Whole numbers, none at first. */
    public static MethodOption wholeList(String name, String label, String description) {
        return new MethodOption(name, label, Kind.WHOLE_LIST, "", description);
    }

    /**
     * What a typed value means.
     *
     * @throws BadInputException if it is of another kind
     */
    public Object parse(String typed) {
        try {
            return switch (kind) {
                case TEXT -> typed;
                case WHOLE -> Integer.valueOf(typed);
                case NUMBER -> finite(Double.parseDouble(typed));
                case WHOLE_LIST -> wholes(typed);
            };
        } catch (NumberFormatException e) {
            throw new BadInputException(
                    name + " " + typed + " was given, where " + kind.expected + " was expected. Correct it.", e);
        }
    }

    private static double finite(double number) {
        if (!Double.isFinite(number)) {
            throw new NumberFormatException("not finite");
        }
        return number;
    }

    private static List<Integer> wholes(String typed) {
        List<Integer> all = new ArrayList<>();
        if (!typed.isEmpty()) {
            for (String part : typed.split(",", -1)) {
                all.add(Integer.valueOf(part.strip()));
            }
        }
        return all;
    }
}
