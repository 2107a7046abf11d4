package dev.peft4j.models;

import dev.peft4j.core.adapter.Offered;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.error.WrongUseException;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The families on the class path. */
final class Families {
    private Families() {}

    /**
     * The family of a config.
     *
     * @throws dev.peft4j.core.error.BadFileException if there is none of its {@code model_type}
     */
    static ModelFamily of(ModelConfig config) throws IOException {
        Map<String, ModelFamily> all = all();
        String type = config.text("model_type", "");
        ModelFamily family = all.get(type);
        if (family == null) {
            throw config.bad("model_type is \"" + type + "\"; there are " + String.join(", ", all.keySet()) + "."
                    + TargetModules.suggestion(type, all.keySet())
                    + " Use a checkpoint of one of these families, or add the jar of the family to the class path.");
        }
        return family;
    }

    private static Map<String, ModelFamily> all() {
        Map<String, ModelFamily> byType = new TreeMap<>();
        for (ModelFamily family : Offered.of(ModelFamily.class)) {
            for (String type : family.modelTypes()) {
                ModelFamily other = byType.putIfAbsent(type, family);
                if (other != null) {
                    throw new WrongUseException("model_type " + type + " is read by "
                            + List.of(
                                    other.getClass().getName(),
                                    family.getClass().getName())
                            + ". Take one of their jars from the class path.");
                }
            }
        }
        return byType;
    }
}
