package dev.peft4j.core.adapter;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.Site;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code rank_pattern} and {@code alpha_pattern}: values for the layers whose names end in a match of a key. */
public final class NamePattern {
    private static final Logger LOG = LoggerFactory.getLogger(NamePattern.class);

    private NamePattern() {}

    /** The value of the first key, in the order of the map, that matches a layer. */
    public static <T> T value(Map<String, T> pattern, String layer, T otherwise) {
        for (Map.Entry<String, T> e : pattern.entrySet()) {
            if (matches(e.getKey(), layer)) {
                return e.getValue();
            }
        }
        return otherwise;
    }

    /** PEFT: {@code re.match(r"(.*\.)?(key)$", layer)}. */
    private static boolean matches(String key, String layer) {
        return isName(key) ? endsIn(key, layer) : regexMatches(key, layer);
    }

    /** Most keys are names; as regular expressions their dots mean any character. */
    private static boolean isName(String key) {
        return key.chars().allMatch(c -> c == '.' || isPlain(c));
    }

    private static boolean endsIn(String key, String layer) {
        int start = layer.length() - key.length();
        if (start < 0 || (start > 0 && layer.charAt(start - 1) != '.')) {
            return false;
        }
        for (int i = 0; i < key.length(); i++) {
            if (key.charAt(i) != '.' && key.charAt(i) != layer.charAt(start + i)) {
                return false;
            }
        }
        return true;
    }

    /** Whether a regular expression means itself only. */
    static boolean isPlain(String regex) {
        return regex.chars().allMatch(NamePattern::isPlain);
    }

    private static boolean isPlain(int c) {
        return Character.isLetterOrDigit(c) || c == '_' || c == '-';
    }

    private static boolean regexMatches(String key, String layer) {
        return PythonPattern.compile("the pattern", "(.*\\.)?(" + key + ")$")
                .matcher(new BoundedText(layer))
                .lookingAt();
    }

    /**
     * Whether a pattern is found in a name.
     *
     * @throws BadInputException if it has not come to an end after a million steps, as patterns can be made
     */
    public static boolean isFound(Pattern pattern, String name) {
        return pattern.matcher(new BoundedText(name)).find();
    }

    /**
     * Makes sure that every key is a regular expression and matches a layer.
     *
     * @param mayMiss whether a key that matches nothing is no error
     * @throws BadInputException if not
     */
    public static void check(Map<String, ?> pattern, List<? extends Site> layers, boolean mayMiss) {
        List<String> unmatched = unmatched(pattern, layers);
        if (!unmatched.isEmpty() && !mayMiss) {
            throw new BadInputException("the pattern \"" + unmatched.get(0) + "\" matches none of the " + layers.size()
                    + " layers that the adapter is attached to, such as "
                    + layers.get(0).name() + ". Correct or remove it.");
        }
    }

    /**
     * Makes sure that what PEFT takes for the keys of a pattern are regular expressions: those of a map, entries of a list, or letters of a text.
     *
     * @throws BadInputException if not
     */
    public static void checkKeys(String field, @Nullable Object value) {
        if (!PythonValue.isTrue(value)) {
            return;
        }
        Collection<?> keys;
        if (value instanceof Map<?, ?> map) {
            keys = map.keySet();
        } else if (value instanceof String text) {
            keys = text.chars().mapToObj(c -> String.valueOf((char) c)).toList();
        } else if (value instanceof Collection<?> list
                && list.stream().noneMatch(e -> e instanceof Collection || e instanceof Map)) {
            keys = list;
        } else {
            throw ConfigFields.wrong(field, value, "an object");
        }
        keys.forEach(key -> matches(String.valueOf(key), "layer"));
    }

    /** See {@link Attachment#untrainable}, with the keys of patterns that match nothing. */
    public static List<String> untrainable(
            Attachment attachment,
            List<? extends Site> layers,
            Map<String, ?> ranks,
            Map<String, ?> alphas,
            ModelSites model) {
        List<String> all = new ArrayList<>(attachment.untrainable(model));
        unmatched(ranks, layers).forEach(k -> all.add("rank_pattern " + k));
        unmatched(alphas, layers).forEach(k -> all.add("alpha_pattern " + k));
        return all;
    }

    /** Keys that match no layer. */
    private static List<String> unmatched(Map<String, ?> pattern, List<? extends Site> layers) {
        return pattern.keySet().stream()
                .filter(key -> layers.stream().noneMatch(s -> matches(key, s.name())))
                .toList();
    }

    /** What a pattern gives for each layer where it is not the common value, by whole names. */
    public static <T> Map<String, Object> byName(List<? extends Site> layers, Map<String, T> pattern, T otherwise) {
        Map<String, Object> out = new TreeMap<>();
        for (Site s : layers) {
            T value = value(pattern, s.name(), otherwise);
            if (!value.equals(otherwise)) {
                out.put(s.name(), value);
            }
        }
        return out;
    }

    /**
     * A rank pattern with the ranks that a file has, which count more than the config.
     *
     * @param shape dimensions of a tensor of a layer in the file, of which the first is R; null where it is missing
     */
    public static <S extends Site> Map<String, Integer> fromFile(
            List<S> layers, Function<S, @Nullable List<Long>> shape, Map<String, Integer> pattern, int otherwise) {
        Map<String, Integer> ranks = new LinkedHashMap<>();
        for (S layer : layers) {
            List<Long> found = shape.apply(layer);
            int configured = value(pattern, layer.name(), otherwise);
            if (found != null && found.size() > 1 && found.get(0) > 0 && found.get(0) != configured) {
                ranks.put(layer.name(), Math.toIntExact(found.get(0)));
            }
        }
        if (!ranks.isEmpty()) {
            LOG.warn(
                    "{} layers have other ranks in the file than in its config; the file counts: {}",
                    ranks.size(),
                    ranks);
        }
        pattern.forEach(ranks::putIfAbsent); // the first match counts
        return ranks;
    }

    /** Refuses a rank below 1. */
    public static void requireRank(String name, int rank) {
        if (rank <= 0) {
            throw new BadInputException(name + " = " + rank + " was given; a rank is at least 1. 8 is a usual choice.");
        }
    }

    /** Refuses what is not a finite number. */
    public static void requireFinite(String name, double value) {
        if (!Double.isFinite(value)) {
            throw new BadInputException(
                    name + " = " + value + " was given; it must be a finite number. Twice the rank is usual.");
        }
    }

    /** Refuses what is no probability below 1. */
    public static void requireProbability(String name, double value) {
        if (!(value >= 0 && value < 1)) {
            throw new BadInputException(
                    name + " = " + value + " was given; it is a probability from 0 to below 1. 0.05 is usual.");
        }
    }
}
