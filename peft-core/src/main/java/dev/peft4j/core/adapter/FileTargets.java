package dev.peft4j.core.adapter;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.ModelSites;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Which modules the fields of a file mean, by PEFT's rules: it looks at every module of a model, containers too, and entries that match nothing do no
 * harm as long as something matches.
 */
final class FileTargets {
    private static final int LONG_LIST = 20; // from here on PEFT shortens the names of a list

    private final TargetModules target;
    private final WholeModules whole;
    private final Set<String> names; // of a list, as PEFT uses them
    private final @Nullable Pattern pattern;
    private final @Nullable Pattern excluded;
    private final @Nullable BlockNumbers blocks;
    private final Set<String> all;

    /**
     * Reads the entries.
     *
     * @param shortens whether the method shortens long lists
     */
    FileTargets(TargetModules target, WholeModules whole, ModelSites model, boolean shortens) {
        this(target, whole, new Modules(model).names(), allLinear(model), shortens);
    }

    /**
     * The same for modules by other names.
     *
     * @param all modules
     * @param linear those of {@code all-linear}
     */
    FileTargets(TargetModules target, WholeModules whole, Set<String> all, Set<String> linear, boolean shortens) {
        this.target = target;
        this.whole = whole;
        this.all = all;
        this.pattern = target.pattern().isEmpty() ? null : PythonPattern.compile("target_modules", target.pattern());
        TargetModules others = target.excluded();
        this.excluded = others == null || others.pattern().isEmpty()
                ? null
                : PythonPattern.compile("exclude_modules", others.pattern());
        this.blocks = target.layers().isEmpty() ? null : new BlockNumbers(target.layers(), target.layersPattern());
        Set<String> given = target.allLinear() ? linear : new LinkedHashSet<>(target.names());
        this.names = shortens && given.size() >= LONG_LIST ? shortened(given) : given;
    }

    /** The layers that {@code all-linear} means. */
    static Set<String> allLinear(ModelSites model) {
        Set<String> linear = new LinkedHashSet<>();
        model.linearSites().stream().filter(s -> !s.head()).forEach(s -> linear.add(s.name()));
        return linear;
    }

    /** The modules that are meant. */
    List<String> modules() {
        return all.stream().filter(m -> !isLeftOut(m) && isMeant(m)).toList();
    }

    private boolean isLeftOut(String module) {
        TargetModules others = target.excluded();
        boolean left = excluded != null
                ? excluded.matcher(new BoundedText(module)).matches()
                : others != null && isIn(new HashSet<>(others.names()), module);
        return left || whole.excludes(module);
    }

    private boolean isMeant(String module) {
        if (pattern != null) {
            return pattern.matcher(new BoundedText(module)).matches() || names.contains(module);
        }
        return names.contains(module) || (isIn(names, module) && (blocks == null || blocks.has(module)));
    }

    /** Whether a module is one of some entries or ends in one after a dot. */
    private static boolean isIn(Set<String> entries, String module) {
        if (entries.contains(module)) {
            return true;
        }
        for (int dot = module.indexOf('.'); dot >= 0; dot = module.indexOf('.', dot + 1)) {
            if (entries.contains(module.substring(dot + 1))) {
                return true;
            }
        }
        return false;
    }

    /**
     * The shortest endings that mean the same modules. A module that its whole name meant is meant by an ending then, and is in a block that may be left
     * out.
     */
    private Set<String> shortened(Set<String> given) {
        if (given.contains("")) {
            throw new BadInputException("target_modules has " + given.size()
                    + " entries, and one of them is empty, which means no layer. Remove it.");
        }
        Set<String> others = new HashSet<>();
        for (String module : all) {
            if (!isIn(given, module)) {
                others.addAll(endings(module));
            }
        }
        Map<List<String>, String> byEndings = new TreeMap<>(FileTargets::compare);
        given.forEach(name -> byEndings.put(endings(name), name));
        Set<String> found = new LinkedHashSet<>();
        byEndings.forEach((endings, name) -> endings.stream()
                .filter(e -> !found.contains(e) && !others.contains(e))
                .findFirst()
                .filter(e -> found.stream().noneMatch(f -> name.endsWith("." + f)))
                .ifPresent(found::add));
        return found.isEmpty() || found.size() >= given.size() ? given : found;
    }

    /** The endings of a name at its dots, the shortest first. */
    private static List<String> endings(String name) {
        List<String> all = new ArrayList<>();
        for (int dot = name.lastIndexOf('.'); dot >= 0; dot = dot == 0 ? -1 : name.lastIndexOf('.', dot - 1)) {
            all.add(name.substring(dot + 1));
        }
        all.add(name);
        return all;
    }

    private static int compare(List<String> a, List<String> b) {
        for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
            int order = a.get(i).compareTo(b.get(i));
            if (order != 0) {
                return order;
            }
        }
        return Comparator.<Integer>naturalOrder().compare(a.size(), b.size());
    }
}
