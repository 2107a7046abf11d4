package dev.peft4j.core.adapter;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.Site;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Which linear layers a method attaches to, by PEFT's rules: a name of a list matches a layer that has this name or ends in it after
 * a dot; a regular expression matches whole names; {@code all-linear} is every linear layer but the head. Unlike PEFT, every name of a
 * list has to match something, unless it is one of a file.
 *
 * @param names of layers or their endings; empty for a pattern or for all
 * @param pattern regular expression over whole names; empty for a list or for all
 * @param allLinear every linear layer but the head
 * @param excluded what is left out of these, or null for nothing ({@code exclude_modules})
 * @param layers numbers of the blocks that are kept; empty for all ({@code layers_to_transform}); whole names are kept anyway
 * @param layersPattern names of the lists of blocks, such as {@code layers} or {@code h}; empty for the first number in a name
 */
public record TargetModules(
        List<String> names,
        String pattern,
        boolean allLinear,
        @Nullable TargetModules excluded,
        List<Integer> layers,
        List<String> layersPattern) {
    private static final String ALL = "all-linear";

    /** Copies the list and checks the pattern. */
    public TargetModules {
        names = List.copyOf(names);
        layers = List.copyOf(layers);
        layersPattern = List.copyOf(layersPattern);
        if (!layersPattern.isEmpty() && layers.isEmpty()) {
            throw new BadInputException("layers_pattern " + layersPattern
                    + " was given without layers_to_transform. Give the numbers of the layers too, or neither.");
        }
        if (!layers.isEmpty() && (!pattern.isEmpty() || allLinear)) {
            throw new BadInputException(
                    "layers_to_transform " + layers
                            + " was given with a pattern or all-linear. It works with a list of names; put the numbers in the pattern.");
        }
        if (!pattern.isEmpty()) {
            PythonPattern.compile("target_modules", pattern);
        }
    }

    /** Layers with these names, or whose names end in one of them after a dot. */
    public static TargetModules of(String... names) {
        return of(Arrays.asList(names));
    }

    /** Layers with these names, or whose names end in one of them after a dot. */
    public static TargetModules of(List<String> names) {
        if (names.isEmpty() || names.stream().anyMatch(String::isBlank)) {
            throw new BadInputException("target_modules " + names
                    + " names no layer. Name at least one, or leave it out for the default of the architecture.");
        }
        return listed(names);
    }

    /** The same with entries that cannot match, which files may have. */
    static TargetModules listed(List<String> names) {
        return new TargetModules(names, "", false, null, List.of(), List.of());
    }

    /** Layers whose whole name matches a regular expression. */
    public static TargetModules matching(String regex) {
        return regex.equalsIgnoreCase(ALL) ? allLinearLayers() : pattern(regex);
    }

    /** The same, where {@code all-linear} is a pattern too. */
    static TargetModules pattern(String regex) {
        return new TargetModules(List.of(), regex, false, null, List.of(), List.of());
    }

    /** Every linear layer but the head. */
    public static TargetModules allLinearLayers() {
        return new TargetModules(List.of(), "", true, null, List.of(), List.of());
    }

    /** Those that a method has for the architecture, to leave some of them out. */
    public static TargetModules defaults() {
        return new TargetModules(List.of(), "", false, null, List.of(), List.of());
    }

    /** Whether the layers are those that a method has for the architecture. */
    public boolean isDefault() {
        return names.isEmpty() && pattern.isEmpty() && !allLinear;
    }

    /** With other names; what a pattern means stays, and these beside it. */
    public TargetModules withNames(List<String> newNames) {
        return new TargetModules(newNames, pattern, allLinear, excluded, layers, layersPattern);
    }

    /** Without some layers. */
    public TargetModules without(@Nullable TargetModules others) {
        return new TargetModules(names, pattern, allLinear, others, layers, layersPattern);
    }

    /** Only in the blocks with these numbers; see {@link #layers} and {@link #layersPattern}. */
    public TargetModules inLayers(List<Integer> numbers, List<String> lists) {
        lists.forEach(l -> PythonPattern.compile("layers_pattern", l));
        return inLayersOfFile(numbers, lists);
    }

    /** The same with expressions that may be wrong as long as nothing needs them. */
    TargetModules inLayersOfFile(List<Integer> numbers, List<String> lists) {
        return new TargetModules(names, pattern, allLinear, excluded, numbers, lists);
    }

    /**
     * The linear layers of a model that are meant.
     *
     * @throws BadInputException if a name, the pattern or what is excluded matches none
     */
    public List<LinearSite> select(ModelSites model) {
        return select(model.linearSites());
    }

    static List<Site> allSites(ModelSites model) {
        List<Site> all = new ArrayList<>(model.embeddingSites());
        all.addAll(model.linearSites());
        all.addAll(model.convSites());
        all.addAll(model.normSites());
        return all;
    }

    /** Those of some layers that are meant; each name has to match one. */
    <S extends Site> List<S> select(List<S> all) {
        List<S> found = matched(all, "target_modules");
        if (!layers.isEmpty()) {
            BlockNumbers blocks = new BlockNumbers(layers, layersPattern);
            found = found.stream()
                    .filter(s -> names.contains(s.name()) || blocks.has(s.name()))
                    .toList();
        }
        TargetModules others = excluded;
        if (others != null) {
            List<S> left = others.matched(all, "exclude_modules");
            found = found.stream().filter(s -> !left.contains(s)).toList();
        }
        if (found.isEmpty()) {
            throw new BadInputException("nothing is left of target_modules " + names + pattern
                    + " after exclude_modules" + " and layers_to_transform " + layers + ". Leave fewer layers out.");
        }
        return found;
    }

    /** Names and patterns that match no layer of any kind. */
    List<String> unmatched(ModelSites model) {
        List<Site> all = allSites(model);
        List<String> unmatched = new ArrayList<>();
        names.stream()
                .filter(n -> all.stream().noneMatch(s -> matches(n, s.name())))
                .forEach(n -> unmatched.add("target_modules " + n));
        TargetModules others = excluded;
        if (others != null) {
            others.names.stream()
                    .filter(n -> all.stream().noneMatch(s -> isInside(n, s.name())))
                    .forEach(n -> unmatched.add("exclude_modules " + n));
            if (!others.pattern.isEmpty() && others.byPattern(all).isEmpty()) {
                unmatched.add("exclude_modules " + others.pattern);
            }
        }
        return unmatched;
    }

    /** Whether a list entry means a layer or a module that it is in. */
    private static boolean isInside(String entry, String layer) {
        return ("." + layer + ".").contains("." + entry + ".");
    }

    private <S extends Site> List<S> matched(List<S> all, String field) {
        if (allLinear) {
            return all.stream()
                    .filter(s -> s instanceof LinearSite l && !l.head())
                    .toList();
        }
        List<S> found = pattern.isEmpty()
                ? all.stream()
                        .filter(s -> names.stream().anyMatch(n -> matches(n, s.name())))
                        .toList()
                : byPattern(all);
        List<String> unmatched = names.stream()
                .filter(n -> all.stream().noneMatch(s -> matches(n, s.name())))
                .toList();
        if (!unmatched.isEmpty() || (!pattern.isEmpty() && found.isEmpty())) {
            throw unmatched(field, unmatched, all);
        }
        return found;
    }

    /** An error: names, or the pattern, match none of some layers. */
    IllegalArgumentException unmatched(String field, List<String> entries, List<? extends Site> all) {
        if (!pattern.isEmpty()) {
            return new BadInputException(
                    field + " " + PythonValue.shown(pattern) + " matches no layer of this model (" + all.size()
                            + " layers searched). A pattern has to match a whole name, such as "
                            + all.get(0).name() + ".");
        }
        Set<String> endings = new LinkedHashSet<>();
        all.forEach(s -> endings.add(s.name().substring(s.name().lastIndexOf('.') + 1)));
        return new BadInputException(field + " " + PythonValue.shown(entries) + " matches no layer of this model ("
                + all.size() + " layers searched). It has: " + String.join(", ", endings) + "."
                + (entries.isEmpty() ? "" : suggestion(entries.get(0), endings)) + " Name one of these.");
    }

    private <S extends Site> List<S> byPattern(List<S> all) {
        Pattern regex = PythonPattern.compile("target_modules", pattern);
        return all.stream()
                .filter(s -> regex.matcher(new BoundedText(s.name())).matches())
                .toList();
    }

    /** Whether a layer is one of those that a list or pattern means, whatever is left out. */
    public boolean isMatched(String layer) {
        return pattern.isEmpty()
                ? names.stream().anyMatch(n -> matches(n, layer))
                : PythonPattern.compile("target_modules", pattern)
                        .matcher(new BoundedText(layer))
                        .matches();
    }

    /** Whether a list entry means a module: it is its name, or the name ends in it after a dot. */
    public static boolean matches(String entry, String module) {
        return module.equals(entry) || module.endsWith("." + entry);
    }

    /** A sentence that proposes the most similar of some names, or nothing if none is similar. */
    public static String suggestion(String given, Iterable<String> candidates) {
        String best = "";
        int distance = Math.max(2, given.length() / 3) + 1;
        for (String c : candidates) {
            int d = editDistance(given, c);
            if (d < distance) {
                distance = d;
                best = c;
            }
        }
        return best.isEmpty() ? "" : " Did you mean " + best + "?";
    }

    /** Levenshtein distance. */
    private static int editDistance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int above = row[j];
                int change = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                row[j] = Math.min(change, Math.min(above, row[j - 1]) + 1);
                diagonal = above;
            }
        }
        return row[b.length()];
    }
}
