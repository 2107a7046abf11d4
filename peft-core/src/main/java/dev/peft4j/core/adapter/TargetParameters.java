package dev.peft4j.core.adapter;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.ModelSites;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * {@code target_parameters}: weights that LoRA is attached to by the names of their tensors, as fused experts need it. That is not computed here; names
 * that mean no tensor of a model do no harm.
 */
public final class TargetParameters {
    private static final String FIELD = "target_parameters";

    private TargetParameters() {}

    /**
     * Keeps the field.
     *
     * @throws BadInputException if it holds no names
     */
    public static void read(ConfigFields fields) {
        Object value = fields.any(FIELD);
        boolean isNested = value instanceof Collection<?> c
                && c.stream().anyMatch(e -> e instanceof Collection || e instanceof Map);
        boolean isList = value instanceof Collection || value instanceof Map;
        if (value instanceof String || isNested || (!isList && PythonValue.isTrue(value))) {
            throw ConfigFields.wrong(FIELD, value, "a list of names");
        }
        if (PythonValue.isTrue(value)) {
            fields.keep(FIELD);
        }
    }

    /**
     * Makes sure that the names mean nothing in a model.
     *
     * @throws BadInputException if one means a tensor
     */
    public static void check(OtherFields fields, ModelSites model) {
        for (Object entry : entries(fields.unknown().get(FIELD))) {
            for (String tensor : model.usedNames()) {
                if (TargetModules.matches(String.valueOf(entry), tensor)) {
                    throw new BadInputException(
                            FIELD + " names " + tensor
                                    + ": LoRA of single weights is not computed here. Name its layer in target_modules instead.");
                }
            }
        }
    }

    private static Collection<?> entries(@Nullable Object value) {
        if (value instanceof Map<?, ?> map) {
            return map.keySet();
        }
        return value instanceof Collection<?> c ? c : List.of();
    }
}
