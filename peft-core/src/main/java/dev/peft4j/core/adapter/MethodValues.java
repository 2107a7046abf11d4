package dev.peft4j.core.adapter;

import dev.peft4j.core.error.BadInputException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The values of the options of a method: those that a user gave, and the initial ones of the others. */
public final class MethodValues {
    private static final String REGEX = "regex:";

    private final Map<String, String> typed;
    private final Function<String, List<Integer>> encoder;

    /**
     * Values that were given.
     *
     * @param typed texts by the names of options
     * @param encoder the tokens of a text, with special ones, by the tokenizer of the model
     */
    public MethodValues(Map<String, String> typed, Function<String, List<Integer>> encoder) {
        this.typed = Map.copyOf(typed);
        this.encoder = encoder;
    }

    private Object value(MethodOption option, MethodOption.Kind kind) {
        if (option.kind() != kind) {
            throw new BadInputException("the option " + option.name() + " is asked for as " + kind
                    + ", and it is declared as " + option.kind() + ". Ask for it as what it is.");
        }
        return option.parse(typed.getOrDefault(option.name(), option.initial()));
    }

    /** A text. */
    public String text(MethodOption option) {
        return (String) value(option, MethodOption.Kind.TEXT);
    }

    /**
     * A whole number.
     *
     * @throws BadInputException if something else was given
     */
    public int whole(MethodOption option) {
        return (Integer) value(option, MethodOption.Kind.WHOLE);
    }

    /**
     * A number.
     *
     * @throws BadInputException if something else was given
     */
    public double number(MethodOption option) {
        return (Double) value(option, MethodOption.Kind.NUMBER);
    }

    /**
     * Whole numbers.
     *
     * @throws BadInputException if something else was given
     */
    public List<Integer> wholeList(MethodOption option) {
        return ((List<?>) value(option, MethodOption.Kind.WHOLE_LIST))
                .stream().map(Integer.class::cast).toList();
    }

    /** The layers of {@link MethodOption#TARGET_MODULES}, or null for the default of the architecture. */
    public @Nullable TargetModules targetModules() {
        String target = text(MethodOption.TARGET_MODULES);
        if (target.isEmpty()) {
            return null;
        }
        if (target.startsWith(REGEX)) {
            return TargetModules.matching(target.substring(REGEX.length()));
        }
        return target.equals("all-linear")
                ? TargetModules.allLinearLayers()
                : TargetModules.of(Arrays.asList(target.split(",", -1)));
    }

    /** The same as configs have it. */
    public Attachment attachment() {
        return Attachment.to(targetModules());
    }

    /** The tokens of a text, with special ones. */
    public List<Integer> tokens(String text) {
        return encoder.apply(text);
    }
}
