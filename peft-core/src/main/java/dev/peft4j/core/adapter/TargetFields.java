package dev.peft4j.core.adapter;

import dev.peft4j.core.error.BadInputException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The fields of {@code adapter_config.json} that choose layers, by PEFT's rules. */
final class TargetFields {
    private TargetFields() {}

    /** {@code target_modules}, or null for the default. */
    static @Nullable TargetModules target(ConfigFields fields) {
        Object value = fields.any("target_modules");
        if (value == null) {
            return null;
        }
        if (value instanceof String text) {
            if (text.isEmpty()) {
                throw ConfigFields.wrong("target_modules", text, "a list of names or a pattern");
            }
            return text.equals(Attachment.NOTHING)
                    ? TargetModules.listed(List.of(Attachment.NOTHING))
                    : TargetModules.matching(text);
        }
        List<String> names = fields.texts("target_modules");
        if (names.isEmpty()) {
            throw ConfigFields.wrong("target_modules", value, "at least one name");
        }
        return TargetModules.listed(names);
    }

    /** {@code exclude_modules}, or null. */
    static @Nullable TargetModules excluded(ConfigFields fields) {
        Object value = fields.any("exclude_modules");
        if (!PythonValue.isTrue(value)) {
            return null;
        }
        if (value instanceof String pattern) {
            return TargetModules.pattern(pattern);
        }
        if (value instanceof Map<?, ?>) {
            return TargetModules.listed(fields.texts("exclude_modules"));
        }
        if (value instanceof Collection<?> entries
                && entries.stream().noneMatch(e -> e instanceof Collection || e instanceof Map)) {
            return TargetModules.listed(entries.stream().map(String::valueOf).toList());
        }
        throw ConfigFields.wrong("exclude_modules", value, "a list of names or a pattern");
    }

    /**
     * {@code layers_to_transform} and {@code layers_pattern}.
     *
     * @param lists whether PEFT refuses them beside a pattern
     */
    static @Nullable TargetModules inBlocks(@Nullable TargetModules target, ConfigFields fields, boolean lists) {
        Object numbers = fields.any("layers_to_transform");
        Object places = fields.any("layers_pattern");
        if (PythonValue.isTrue(places) && numbers == null) {
            throw new BadInputException("layers_pattern " + PythonValue.shown(places)
                    + " was given without layers_to_transform. Give the numbers of the layers too, or neither.");
        }
        boolean isText = target != null && target.names().isEmpty();
        if (isText && lists && (numbers != null || places != null)) {
            throw new BadInputException("layers_to_transform " + PythonValue.shown(numbers)
                    + " and layers_pattern " + PythonValue.shown(places)
                    + " were given with a pattern. They work with a list of names; put the numbers in the pattern.");
        }
        if (numbers == null || isText || (numbers instanceof Collection<?> c && c.isEmpty())) {
            return target;
        }
        return (target == null ? TargetModules.defaults() : target).inLayersOfFile(numbers(numbers), places(places));
    }

    /** Numbers of blocks. Others than whole ones are those of no block. */
    private static List<Integer> numbers(Object value) {
        Integer one = PythonValue.whole(value);
        if (one != null) {
            return List.of(one);
        }
        if (!(value instanceof Collection) && !(value instanceof Map)) {
            return List.of(BlockNumbers.NO_NUMBER);
        }
        List<Integer> all = new ArrayList<>(List.of(-1)); // not none, which would be all blocks
        for (Object entry : value instanceof Collection<?> c ? c : List.of()) {
            Double number = PythonValue.number(entry);
            if (number != null && number == Math.rint(number) && Math.abs(number) < Integer.MAX_VALUE) {
                all.add(number.intValue());
            }
        }
        return all;
    }

    /** Names of lists of blocks; none for any. */
    private static List<String> places(@Nullable Object value) {
        if (value == null) {
            return List.of();
        }
        if (value instanceof String text) {
            return text.isEmpty() ? List.of() : List.of(text);
        }
        if (value instanceof Map<?, ?> m) {
            return m.keySet().stream().map(String::valueOf).toList();
        }
        if (value instanceof Collection<?> c) {
            return c.stream()
                    .map(e -> e instanceof String s ? s : PythonValue.shown(e))
                    .toList();
        }
        throw ConfigFields.wrong("layers_pattern", value, "a text or a list of texts");
    }
}
