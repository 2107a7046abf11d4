package dev.peft4j.core.adapter;

import dev.peft4j.core.error.BadInputException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.DoublePredicate;
import java.util.function.IntPredicate;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The fields of an {@code adapter_config.json} while a method reads them, as Python would: a flag is any value, null is the value null and not the
 * default. A field of which only training makes use is never a reason to refuse a file. What nobody read is kept with a warning, so that it is written
 * again.
 */
public final class ConfigFields {
    private static final Logger LOG = LoggerFactory.getLogger(ConfigFields.class);

    /** Fields that every method of PEFT has and that change nothing. */
    private static final Set<String> NEUTRAL =
            Set.of("peft_type", "task_type", "auto_mapping", "peft_version", "inference_mode", "runtime_config");

    /** Fields that say where a model or adapter is. */
    private static final Set<String> PLACES = Set.of("base_model_name_or_path", "revision");

    private final Map<String, Object> json;
    private final Set<String> read = new LinkedHashSet<>();
    private final Map<String, Object> kept = new LinkedHashMap<>();
    private final Map<String, Object> unusable = new LinkedHashMap<>();

    /** Fields of a file. */
    public ConfigFields(Map<String, Object> json) {
        this.json = json;
    }

    /** A field as it is; null where it is missing too. */
    public @Nullable Object any(String name) {
        read.add(name);
        return json.get(name);
    }

    /** Whether a field is there, be it null. */
    public boolean has(String name) {
        return json.containsKey(name);
    }

    /** Whether a value counts as true: null, 0, an empty text, list or map do not. */
    public boolean truth(String name, boolean otherwise) {
        Object v = any(name);
        return has(name) ? PythonValue.isTrue(v) : otherwise;
    }

    /** A number. */
    public double number(String name, double otherwise) {
        Object v = any(name);
        return has(name) ? number(name, v) : otherwise;
    }

    private static double number(String name, @Nullable Object value) {
        Double number = PythonValue.number(value);
        if (number == null) {
            throw wrong(name, value, "a number");
        }
        return number;
    }

    /** A whole number. */
    public int whole(String name, int otherwise) {
        Object v = any(name);
        return has(name) ? whole(name, v) : otherwise;
    }

    private static int whole(String name, @Nullable Object value) {
        Integer number = PythonValue.whole(value);
        if (number == null) {
            throw wrong(name, value, "a whole number");
        }
        return number;
    }

    /** A text. */
    public String text(String name, String otherwise) {
        Object v = any(name);
        if (!has(name)) {
            return otherwise;
        }
        if (v instanceof String s) {
            return s;
        }
        throw wrong(name, v, "a text");
    }

    /** A map with texts as keys, in the order of the file; empty where it is missing. */
    public Map<String, Object> object(String name) {
        Map<String, Object> out = new LinkedHashMap<>();
        Object v = any(name);
        if (v instanceof Map<?, ?> m) {
            m.forEach((k, e) -> out.put(String.valueOf(k), e));
        } else if (has(name)) {
            throw wrong(name, v, "an object");
        }
        return out;
    }

    /** A list of texts, or the keys of a map. */
    public List<String> texts(String name) {
        Object v = any(name);
        if (v instanceof Map<?, ?> m) {
            return m.keySet().stream().map(String::valueOf).toList();
        }
        if (v instanceof Collection<?> c) {
            List<String> all = new ArrayList<>();
            for (Object entry : c) {
                if (!(entry instanceof String s)) {
                    throw wrong(name, v, "a list of texts");
                }
                all.add(s);
            }
            return all;
        }
        throw wrong(name, v, "a list of texts");
    }

    /** {@code rank_pattern}; a value that is no whole number is 0, no rank, which counts where its key matches a layer. */
    public Map<String, Integer> ranks() {
        Map<String, Integer> out = new LinkedHashMap<>();
        object("rank_pattern").forEach((k, v) -> {
            Integer rank = PythonValue.whole(v);
            out.put(k, rank == null ? 0 : rank);
        });
        return out;
    }

    /** {@code alpha_pattern}; a value that is no number is NaN, which counts where its key matches a layer. */
    public Map<String, Double> alphas() {
        Map<String, Double> out = new LinkedHashMap<>();
        object("alpha_pattern").forEach((k, v) -> {
            Double number = PythonValue.number(v);
            out.put(k, number == null ? Double.NaN : number);
        });
        return out;
    }

    /** A number of which only training makes use; the other value, and a note, where it cannot be trained with. */
    public double trainingNumber(String name, double otherwise, DoublePredicate usable) {
        Double number = PythonValue.number(any(name));
        if (number != null && usable.test(number)) {
            return number;
        }
        noteUnusable(name);
        return otherwise;
    }

    /** A probability below 1 of which only training makes use. */
    public double trainingProbability(String name, double otherwise) {
        return trainingNumber(name, otherwise, p -> p >= 0 && p < 1);
    }

    /** A whole number of which only training makes use. */
    public int trainingWhole(String name, int otherwise, IntPredicate usable) {
        Integer number = PythonValue.whole(any(name));
        if (number != null && usable.test(number)) {
            return number;
        }
        noteUnusable(name);
        return otherwise;
    }

    /** A value of any kind of which only training makes use; null, and a note, where it cannot be trained with. */
    public @Nullable Object training(String name, Predicate<@Nullable Object> usable) {
        Object value = any(name);
        if (usable.test(value)) {
            return value;
        }
        noteUnusable(name);
        return null;
    }

    /** Notes a field whose value nothing can be trained with, if it is there. */
    public void noteUnusable(String name) {
        if (has(name)) {
            unusable.put(name, any(name));
        }
    }

    /**
     * Refuses fields that change what the method computes, in a way that is not computed here, if they are true.
     *
     * @throws BadInputException naming the first
     */
    public void refuseTrue(String... names) {
        for (String name : names) {
            if (PythonValue.isTrue(any(name))) {
                throw unsupported(name);
            }
        }
    }

    /**
     * Refuses such fields whatever they hold.
     *
     * @throws BadInputException naming the first
     */
    public void refuseGiven(String... names) {
        for (String name : names) {
            if (any(name) != null) {
                throw unsupported(name);
            }
        }
    }

    /** An error of a field that changes what the method computes. */
    public IllegalArgumentException unsupported(String name) {
        return new BadInputException("the field \"" + name + "\": " + PythonValue.shown(any(name))
                + " changes what " + json.get("peft_type")
                + " computes and is not supported. Convert the adapter in PEFT to one without it.");
    }

    /**
     * Makes sure that fields which are objects of settings are one, or null.
     *
     * @throws BadInputException naming the first that is not
     */
    public void requireObjects(String... names) {
        for (String name : names) {
            Object value = any(name);
            if (value != null && !(value instanceof Map<?, ?>)) {
                throw wrong(name, value, "an object");
            }
        }
    }

    /** Fields that have no effect on what a file means: they are neither kept nor warned of. */
    public void ignore(String... names) {
        for (String name : names) {
            any(name);
        }
    }

    /** Fields that count when an adapter is made: they are kept without a warning. */
    public void keep(String... names) {
        for (String name : names) {
            Object value = any(name);
            if (value != null) {
                kept.put(name, value);
            }
        }
    }

    /** What nobody read, and what nothing can be trained with; to be called when all fields are read. */
    public OtherFields others() {
        if (has("self")) {
            throw wrong("self", json.get("self"), "no such field, which PEFT cannot read,");
        }
        Map<String, Object> unknown = new LinkedHashMap<>(kept);
        json.forEach((name, value) -> {
            if (!read.contains(name) && !NEUTRAL.contains(name) && PythonValue.isTrue(value)) {
                unknown.put(name, value);
                if (!PLACES.contains(name)) {
                    LOG.warn("the field {} of adapter_config.json is not known; it is kept and has no effect", name);
                }
            }
        });
        return new OtherFields(unknown, unusable, true);
    }

    /** An error of a field: what it is and what was expected. */
    public static IllegalArgumentException wrong(String name, @Nullable Object value, String expected) {
        return new BadInputException("\"" + name + "\" is " + PythonValue.shown(value) + " where " + expected
                + " was expected. Correct the file.");
    }
}
