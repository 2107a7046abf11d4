package dev.peft4j.core.adapter;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.site.ModelSites;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A method by the name that a user types, with the options that it takes. One {@link PeftMethod} may offer several: {@code lora} and {@code dora} are of one
 * {@code peft_type}.
 *
 * @param name small letters and digits, as they are typed
 * @param learningRate that is worth a first try
 * @param options that the method takes; others are refused with it
 * @param maker of the config
 */
public record NamedMethod(String name, double learningRate, List<MethodOption> options, Maker maker) {
    /** Makes a config of the values of options. */
    @FunctionalInterface
    public interface Maker {
        /**
         * The config for a model.
         *
         * @throws BadInputException if a value is out of range, or not one that this model can have
         */
        PeftConfig config(MethodValues values, ModelSites model);
    }

    /** Checks the name. */
    public NamedMethod {
        options = List.copyOf(options);
        if (!name.matches("[a-z][a-z0-9_-]*")) {
            throw new BadInputException("a method was to be named \"" + name
                    + "\"; a name has small letters, digits, _ and -. Choose another name.");
        }
    }

    /** All that the class path offers, by their names. */
    public static Map<String, NamedMethod> all() {
        Map<String, NamedMethod> byName = new LinkedHashMap<>();
        Map<String, String> offeredBy = new LinkedHashMap<>();
        for (PeftMethod method : Offered.of(PeftMethod.class)) {
            String type = method.getClass().getName();
            for (NamedMethod named : method.named()) {
                if (byName.putIfAbsent(named.name, named) != null) {
                    throw new WrongUseException("a method " + named.name + " is offered by "
                            + List.of(String.valueOf(offeredBy.get(named.name)), type)
                            + ". Take one of their jars from the class path.");
                }
                offeredBy.put(named.name, type);
            }
        }
        return byName;
    }
}
