package dev.peft4j.core.adapter;

import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** {@code rank_pattern} and {@code alpha_pattern}: values for the layers whose names end in a match of a key. */
public final class NamePattern {
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
        if (layer.endsWith(key)) { // most keys are names
            int start = layer.length() - key.length();
            return start == 0 || layer.charAt(start - 1) == '.' || regexMatches(key, layer);
        }
        return isRegex(key) && regexMatches(key, layer);
    }

    private static boolean isRegex(String key) {
        return !key.chars().allMatch(c -> Character.isLetterOrDigit(c) || c == '_' || c == '-');
    }

    private static boolean regexMatches(String key, String layer) {
        return Pattern.compile("(.*\\.)?(" + key + ")$").matcher(layer).lookingAt();
    }

    /**
     * Makes sure that every key is a regular expression and matches a layer.
     *
     * @throws IllegalArgumentException if not
     */
    public static void check(Map<String, ?> pattern, List<? extends Site> layers) {
        for (String key : pattern.keySet()) {
            try {
                if (layers.stream().noneMatch(s -> matches(key, s.name()))) {
                    throw new IllegalArgumentException(
                            "the pattern \"" + key + "\" matches none of the " + layers.size()
                                    + " layers that the adapter is attached to, such as "
                                    + layers.get(0).name() + ". Correct or remove it.");
                }
            } catch (PatternSyntaxException e) {
                throw new IllegalArgumentException(
                        "the pattern \"" + key + "\" is not a regular expression: " + e.getDescription()
                                + ". Correct or remove it.",
                        e);
            }
        }
    }
}
