package dev.peft4j.core.compose;

import dev.peft4j.core.error.BadInputException;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** What adapters may be called, and what is said of names that they cannot have. */
final class AdapterNames {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-]{1,200}");
    /** PEFT cannot open a directory of several adapters in which one has such a name. */
    private static final Set<String> RESERVED =
            new TreeSet<>(Set.of(Active.BASE, "lora", "lora_", "base_model", "base_layer"));

    private AdapterNames() {}

    static void check(String name) {
        if (!NAME.matcher(name).matches() || RESERVED.contains(name)) {
            throw new BadInputException(
                    "an adapter was to be named \"" + name + "\"; a name has letters, digits, _ and - only, and "
                            + RESERVED + " are reserved. Choose another name.");
        }
    }

    static IllegalArgumentException taken(String name, Set<String> there) {
        return new BadInputException("an adapter was to be named \"" + name + "\", and there is one of that name among "
                + there + ". Choose another name, or exchange it.");
    }

    static IllegalArgumentException unknown(String name, Set<String> there) {
        return new BadInputException("the adapter \"" + name + "\" was asked for; there are " + there
                + ". Add it first, or use " + Active.BASE + " for the base alone.");
    }
}
