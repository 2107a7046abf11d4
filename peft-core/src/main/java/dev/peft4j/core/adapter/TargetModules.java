package dev.peft4j.core.adapter;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * Which linear layers a method attaches to, by PEFT's rules: a name of a list matches a layer that has this name or ends in it after
 * a dot; a regular expression matches whole names; {@code all-linear} is every linear layer but the head. Unlike PEFT, every name of a
 * list has to match something.
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
            throw new IllegalArgumentException("layers_pattern " + layersPattern
                    + " was given without layers_to_transform. Give the numbers of the layers too, or neither.");
        }
        if (!layers.isEmpty() && names.isEmpty()) {
            throw new IllegalArgumentException(
                    "layers_to_transform " + layers
                            + " was given with a pattern or all-linear. It works with a list of names; put the numbers in the pattern.");
        }
        if (!pattern.isEmpty()) {
            try {
                Pattern.compile(pattern);
            } catch (PatternSyntaxException e) {
                throw new IllegalArgumentException(
                        "target_modules \"" + pattern + "\" is not a regular expression: " + e.getDescription()
                                + ". Give a list of layer names, all-linear, or a valid expression.",
                        e);
            }
        }
    }

    /** Layers with these names, or whose names end in one of them after a dot. */
    public static TargetModules of(String... names) {
        return of(Arrays.asList(names));
    }

    /** Layers with these names, or whose names end in one of them after a dot. */
    public static TargetModules of(List<String> names) {
        if (names.isEmpty() || names.stream().anyMatch(String::isBlank)) {
            throw new IllegalArgumentException("target_modules " + names
                    + " names no layer. Name at least one, or leave it out for the default of the architecture.");
        }
        return new TargetModules(names, "", false, null, List.of(), List.of());
    }

    /** Layers whose whole name matches a regular expression. */
    public static TargetModules matching(String regex) {
        return regex.equals(ALL)
                ? allLinearLayers()
                : new TargetModules(List.of(), regex, false, null, List.of(), List.of());
    }

    /** Every linear layer but the head. */
    public static TargetModules allLinearLayers() {
        return new TargetModules(List.of(), "", true, null, List.of(), List.of());
    }

    /** Without some layers. */
    public TargetModules without(@Nullable TargetModules others) {
        return new TargetModules(names, pattern, allLinear, others, layers, layersPattern);
    }

    /** Only in the blocks with these numbers; see {@link #layers} and {@link #layersPattern}. */
    public TargetModules inLayers(List<Integer> numbers, List<String> lists) {
        return new TargetModules(names, pattern, allLinear, excluded, numbers, lists);
    }

    /**
     * The linear layers of a model that are meant.
     *
     * @throws IllegalArgumentException if a name, the pattern or what is excluded matches none
     */
    public List<LinearSite> select(ModelSites model) {
        return select(model.linearSites());
    }

    /** The layers that are meant, for a method that acts at tables of token vectors too. */
    public List<Site> selectWithEmbeddings(ModelSites model) {
        List<Site> all = new ArrayList<>(model.embeddingSites());
        all.addAll(model.linearSites());
        return select(all);
    }

    /** The layers of all kinds that are meant. */
    List<Site> selectAll(ModelSites model) {
        List<Site> all = new ArrayList<>(model.embeddingSites());
        all.addAll(model.linearSites());
        all.addAll(model.normSites());
        return select(all);
    }

    /** The norms that are meant. */
    public List<NormSite> selectNorms(ModelSites model) {
        return select(model.normSites());
    }

    private <S extends Site> List<S> select(List<S> all) {
        List<S> found = matched(all, "target_modules");
        if (!layers.isEmpty()) {
            found = found.stream().filter(s -> inKeptLayer(s.name())).toList();
        }
        TargetModules others = excluded;
        if (others != null) {
            List<S> left = others.matched(all, "exclude_modules");
            found = found.stream().filter(s -> !left.contains(s)).toList();
        }
        if (found.isEmpty()) {
            throw new IllegalArgumentException("nothing is left of target_modules " + names + pattern
                    + " after exclude_modules" + " and layers_to_transform " + layers + ". Leave fewer layers out.");
        }
        return found;
    }

    /** By PEFT, the number is the first between dots behind a name, or the one behind a list of that name. */
    private boolean inKeptLayer(String name) {
        if (names.contains(name)) {
            return true;
        }
        List<Pattern> places = layersPattern.isEmpty()
                ? List.of(Pattern.compile("\\.[^.]*\\.(\\d+)\\."))
                : layersPattern.stream()
                        .map(p -> Pattern.compile("(?:^|.*?\\.)" + Pattern.quote(p) + "\\.(\\d+)\\."))
                        .toList();
        for (Pattern place : places) {
            Matcher m = place.matcher(new BoundedText(name));
            if (m.find()) {
                return layers.contains(Integer.valueOf(m.group(1)));
            }
        }
        return false;
    }

    private <S extends Site> List<S> matched(List<S> all, String field) {
        if (allLinear) {
            return all.stream()
                    .filter(s -> s instanceof LinearSite l && !l.head())
                    .toList();
        }
        if (!pattern.isEmpty()) {
            Pattern regex = Pattern.compile(pattern);
            List<S> found = all.stream()
                    .filter(s -> regex.matcher(new BoundedText(s.name())).matches())
                    .toList();
            if (found.isEmpty()) {
                throw new IllegalArgumentException(
                        field + " \"" + pattern + "\" matches no layer of this model (" + all.size()
                                + " layers searched). A pattern has to match a whole name, such as "
                                + all.get(0).name() + ".");
            }
            return found;
        }
        List<String> unmatched = new ArrayList<>();
        for (String name : names) {
            if (all.stream().noneMatch(s -> matches(name, s.name()))) {
                unmatched.add(name);
            }
        }
        if (!unmatched.isEmpty()) {
            Set<String> endings = new LinkedHashSet<>();
            all.forEach(s -> endings.add(s.name().substring(s.name().lastIndexOf('.') + 1)));
            throw new IllegalArgumentException(field + " " + unmatched + " matches no layer of this model ("
                    + all.size() + " layers searched). It has: " + String.join(", ", endings) + "."
                    + suggestion(unmatched.get(0), endings));
        }
        return all.stream()
                .filter(s -> names.stream().anyMatch(n -> matches(n, s.name())))
                .toList();
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
