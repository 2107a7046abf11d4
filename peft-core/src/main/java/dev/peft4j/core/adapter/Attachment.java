package dev.peft4j.core.adapter;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.Site;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What the configs of all methods that act at layers have in common.
 *
 * @param target the layers, or null for the default of the architecture
 * @param modulesToSave modules that are trained whole; null for those that the task needs
 * @param otherFields what a file had besides
 */
public record Attachment(
        @Nullable TargetModules target, @Nullable WholeModules modulesToSave, OtherFields otherFields) {
    /** The method whose default layers PEFT takes for its relatives too. */
    private static final String LORA = "LORA";

    private static final String AT_CONVOLUTIONS = " Methods that act at convolutions: LORA, LOHA, LOKR, IA3, BITFIT.";

    /** The target that PEFT takes for no layer at all. */
    public static final String NOTHING = "dummy-target-modules";

    /** The default layers of the architecture, and the modules that the task needs. */
    public static final Attachment DEFAULT = to(null);

    /** Attached to these layers. */
    public static Attachment to(@Nullable TargetModules target) {
        return new Attachment(target, null, OtherFields.NONE);
    }

    /** With other layers. */
    public Attachment withTarget(@Nullable TargetModules newTarget) {
        return new Attachment(newTarget, modulesToSave, otherFields);
    }

    /** With other modules trained whole. */
    public Attachment withModulesToSave(List<String> modules) {
        return new Attachment(target, new WholeModules(modules, read()), otherFields);
    }

    /** Whether it was read from a file; names that match nothing are then no error. */
    public boolean read() {
        return otherFields.read();
    }

    /** The fields that choose layers beside {@code target_modules}, which not every method of PEFT has. */
    public enum Choice {
        /** {@code exclude_modules}. */
        EXCLUDED,
        /** {@code layers_to_transform} and {@code layers_pattern}. */
        BLOCKS,
        /** The same, which PEFT refuses where {@code target_modules} is a text. */
        BLOCKS_OF_LISTS
    }

    /**
     * Reads {@code target_modules}, {@code modules_to_save} and their relatives; to be called last, for it looks for fields that nobody read.
     *
     * @param choices the fields that the method has
     * @throws BadInputException if PEFT could not read one of them
     */
    public static Attachment read(ConfigFields fields, Set<Choice> choices) {
        WholeModules whole = WholeModules.read(fields, "base_model.model.");
        Attachment targets = readTargets(fields, choices);
        return new Attachment(targets.target(), whole, targets.otherFields());
    }

    /** The same for a method that trains no modules whole. */
    public static Attachment readTargets(ConfigFields fields, Set<Choice> choices) {
        TargetModules target = TargetFields.target(fields);
        if (choices.contains(Choice.BLOCKS) || choices.contains(Choice.BLOCKS_OF_LISTS)) {
            target = TargetFields.inBlocks(target, fields, choices.contains(Choice.BLOCKS_OF_LISTS));
        }
        if (choices.contains(Choice.EXCLUDED)) {
            TargetModules excluded = TargetFields.excluded(fields);
            if (excluded != null) {
                target = (target == null ? TargetModules.defaults() : target).without(excluded);
            }
        }
        return new Attachment(target, null, fields.others());
    }

    /**
     * Writes the fields that {@link #read} reads, and those of every method.
     *
     * @param sites what the config selects on the model
     */
    public Map<String, Object> toJson(String peftType, ModelSites model, List<? extends Site> sites) {
        return toJson(peftType, model, sites.stream().map(Site::name).collect(Collectors.toCollection(TreeSet::new)));
    }

    /** The same for modules of any kind, by their names. */
    public Map<String, Object> toJson(String peftType, ModelSites model, Set<String> modules) {
        Map<String, Object> json = new TreeMap<>(otherFields.unknown());
        json.putIfAbsent("base_model_name_or_path", model.source());
        json.put("peft_type", peftType);
        json.put("task_type", taskType(wholeModules(model), model));
        json.put("inference_mode", true);
        json.put("modules_to_save", savedModules(wholeModules(model), model));
        json.put("target_modules", targetNames(model, modules));
        return json;
    }

    /** {@code task_type}: null where the head is not trained, since PEFT would look for one in the file. */
    public static @Nullable String taskType(List<String> whole, ModelSites model) {
        WholeModules modules = new WholeModules(whole, true);
        boolean headIsTrained = model.taskModules().stream().allMatch(m -> modules.hasTensor(m + ".weight"));
        return headIsTrained ? model.taskType().peftName().orElse(null) : null;
    }

    /** {@code modules_to_save} as PEFT writes it: with both names that heads of classifiers have. */
    public static @Nullable List<String> savedModules(List<String> whole, ModelSites model) {
        Set<String> modules = new LinkedHashSet<>(whole);
        if (model.taskType().classifies() && modules.stream().anyMatch(WholeModules.CLASSIFIERS::contains)) {
            modules.addAll(WholeModules.CLASSIFIERS);
        }
        return modules.isEmpty() ? null : new ArrayList<>(modules);
    }

    /** A pattern that leaves nothing out, and means nothing else in PEFT, stays; else the shortest names that select the same layers, so that no other field is needed. */
    private Object targetNames(ModelSites model, Set<String> modules) {
        if (modules.isEmpty()) {
            return NOTHING;
        }
        TargetModules t = targetFor(model);
        Set<String> others = new HashSet<>(new Modules(model).names()); // that contain layers
        TargetModules.allSites(model).forEach(s -> others.remove(s.name()));
        others.addAll(model.layersElsewhere()); // which PEFT would adapt too, and miss in the file
        if (!t.pattern().isEmpty() && t.excluded() == null && others.stream().noneMatch(t::isMatched)) {
            return t.pattern();
        }
        Set<String> endings = new TreeSet<>();
        modules.forEach(m -> endings.add(m.substring(m.lastIndexOf('.') + 1)));
        return meanOnly(endings, modules, model) ? List.copyOf(endings) : List.copyOf(modules);
    }

    /** Whether some names or endings mean these modules and no others of a model, be they layers or contain some. */
    public static boolean meanOnly(Collection<String> endings, Set<String> modules, ModelSites model) {
        Set<String> all = new HashSet<>(new Modules(model).names());
        TargetModules.allSites(model).forEach(s -> all.add(s.name()));
        all.addAll(model.layersElsewhere());
        Set<String> meant = all.stream()
                .filter(m -> endings.stream().anyMatch(e -> TargetModules.matches(e, m)))
                .collect(Collectors.toSet());
        return meant.equals(modules);
    }

    /**
     * The layers that are meant, without those inside of modules that are trained whole.
     *
     * @throws BadInputException if a target matches nothing, none is left, or there is no default for the architecture
     */
    public List<LinearSite> sites(ModelSites model) {
        return choose(model.linearSites(), targetFor(model), model);
    }

    /** Like {@link #sites}, for a method that acts at convolutions too, which come behind the linear layers. */
    public List<Site> sitesWithConvolutions(ModelSites model) {
        return choose(withConvolutions(model), targetFor(model), model);
    }

    /** The linear layers of a model and its convolutions. */
    public static List<Site> withConvolutions(ModelSites model) {
        List<Site> all = new ArrayList<>(model.linearSites());
        all.addAll(model.convSites());
        return all;
    }

    /** Like {@link #sites}, for a method that acts at embeddings too. */
    public List<Site> sitesWithEmbeddings(ModelSites model) {
        List<Site> all = new ArrayList<>(model.embeddingSites());
        all.addAll(model.linearSites());
        return choose(all, targetFor(model), model);
    }

    /** Like {@link #sites}, for a method that acts at embeddings and convolutions too. */
    public List<Site> sitesOfAllKinds(ModelSites model) {
        List<Site> all = new ArrayList<>(model.embeddingSites());
        all.addAll(withConvolutions(model));
        return choose(all, targetFor(model), model);
    }

    /**
     * Those of some layers that are meant, without those inside of modules that are trained whole.
     *
     * @param chosenFrom the layers at which the method can act
     * @param chosen the layers that were asked for, or a default
     */
    public <S extends Site> List<S> choose(List<S> chosenFrom, TargetModules chosen, ModelSites model) {
        return choose(chosenFrom, chosen, model, true);
    }

    /** The same for a method that takes every name of a list as it is. */
    public <S extends Site> List<S> choose(
            List<S> chosenFrom, TargetModules chosen, ModelSites model, boolean shortens) {
        if (chosen.names().equals(List.of(NOTHING))) {
            return List.of();
        }
        WholeModules whole = whole(model);
        if (!read()) {
            requireKind(chosenFrom, chosen, model);
            List<S> all = chosen.select(chosenFrom);
            List<S> left = all.stream().filter(s -> !whole.hasLayer(s.name())).toList();
            if (left.isEmpty()) {
                throw allWhole(all.size(), whole);
            }
            return left;
        }
        Map<String, S> byName = new LinkedHashMap<>();
        chosenFrom.forEach(s -> byName.put(s.name(), s));
        Set<String> meant = modules(chosen, model, shortens);
        for (String module : meant) {
            if (!byName.containsKey(module)) {
                throw new BadInputException("target_modules means " + module
                        + " too, which is no layer that the method can act at: there are " + byName.size()
                        + " in this " + model.modelType() + " model. Name layers only."
                        + (model.convSites().stream().anyMatch(s -> s.name().equals(module)) ? AT_CONVOLUTIONS : ""));
            }
        }
        return chosenFrom.stream().filter(s -> meant.contains(s.name())).toList();
    }

    /** Refuses convolutions for a method that acts at none. */
    private static void requireKind(List<? extends Site> chosenFrom, TargetModules chosen, ModelSites model) {
        if (chosen.allLinear() && model.linearSites().stream().allMatch(LinearSite::head)) {
            throw new BadInputException("target_modules all-linear means no layer of this " + model.modelType()
                    + " model, which has no linear layers but its head. Name the layers." + AT_CONVOLUTIONS);
        }
        if (chosenFrom.containsAll(model.convSites())
                || chosenFrom.stream().anyMatch(s -> chosen.isMatched(s.name()))) {
            return;
        }
        List<String> meant = model.convSites().stream()
                .map(Site::name)
                .filter(chosen::isMatched)
                .toList();
        if (!meant.isEmpty()) {
            throw new BadInputException("target_modules means " + meant.size() + " convolutions of this "
                    + model.modelType() + " model, such as " + meant.get(0)
                    + ", at which the method does not act. Name other layers." + AT_CONVOLUTIONS);
        }
    }

    /**
     * The modules of any kind that a file means.
     *
     * @throws BadInputException if there are none
     */
    public Set<String> modules(TargetModules chosen, ModelSites model) {
        return chosen.names().equals(List.of(NOTHING)) ? Set.of() : modules(chosen, model, true);
    }

    private Set<String> modules(TargetModules chosen, ModelSites model, boolean shortens) {
        WholeModules whole = whole(model);
        Set<String> meant = new TreeSet<>(new FileTargets(chosen, whole, model, shortens).modules());
        if (meant.isEmpty()) {
            int withoutWhole = new FileTargets(chosen, new WholeModules(List.of(), true), model, shortens)
                    .modules()
                    .size();
            throw withoutWhole > 0
                    ? allWhole(withoutWhole, whole)
                    : chosen.unmatched("target_modules", chosen.names(), TargetModules.allSites(model));
        }
        return meant;
    }

    private static IllegalArgumentException allWhole(int chosen, WholeModules whole) {
        return new BadInputException("target_modules selects " + chosen
                + " layers, and all of them are in modules that are trained whole (modules_to_save "
                + whole.endings() + "). Leave modules out of modules_to_save, or choose other layers.");
    }

    /** The endings of names of modules that are trained whole. */
    public List<String> wholeModules(ModelSites model) {
        return whole(model).endings();
    }

    /** The modules that are trained whole. */
    public WholeModules whole(ModelSites model) {
        return modulesToSave == null ? new WholeModules(model.taskModules(), read()) : modulesToSave;
    }

    /** Number of elements of the modules that are trained whole. */
    public long wholeCount(ModelSites model) {
        return whole(model).count(model);
    }

    /**
     * What keeps a config of a file from being trained: names that match nothing in a model, and values that training can make no use of.
     *
     * @param chosen the layers that were asked for, or a default
     */
    public List<String> untrainable(TargetModules chosen, ModelSites model) {
        List<String> all = new ArrayList<>(chosen.unmatched(model));
        all.addAll(whole(model).missing(model));
        all.addAll(otherFields.untrainable());
        return all;
    }

    /** The same for the default layers of most methods. */
    public List<String> untrainable(ModelSites model) {
        return untrainable(targetFor(model), model);
    }

    /** The layers that were asked for, or PEFT's default. */
    public TargetModules targetFor(ModelSites model) {
        return targetOr(LORA, model);
    }

    /** The layers that were asked for, or those that the family has for a method. */
    public TargetModules targetOr(String peftType, ModelSites model) {
        return targetOr(model.traits().targets(peftType), model);
    }

    /**
     * The layers that were asked for, or the default ones.
     *
     * @throws BadInputException if there are none of either
     */
    public TargetModules targetOr(List<String> names, ModelSites model) {
        TargetModules asked = target;
        if (asked != null && !asked.isDefault()) {
            return asked;
        }
        if (names.isEmpty()) {
            throw new BadInputException("no target_modules were given, and " + model.modelType()
                    + " has no default. Name the layers, or use all-linear.");
        }
        return asked == null ? TargetModules.of(names) : asked.withNames(names);
    }
}
