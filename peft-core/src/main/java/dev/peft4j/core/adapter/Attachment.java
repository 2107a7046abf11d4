package dev.peft4j.core.adapter;

import java.util.ArrayList;
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
 * @param modulesToSave modules that are trained whole, by the ends of their names; null for those that the task needs
 * @param kept unknown fields of a file that was read, to be written again
 * @param read whether it was read from a file; names that match nothing are then no error, as they may belong to another part of a larger model
 */
public record Attachment(
        @Nullable TargetModules target, @Nullable List<String> modulesToSave, Map<String, Object> kept, boolean read) {
    /** PEFT's default layers of LoRA and its relatives per {@code model_type}. */
    private static final Map<String, List<String>> DEFAULTS = Map.of(
            "gpt2", List.of("c_attn"),
            "llama", List.of("q_proj", "v_proj"),
            "bert", List.of("query", "value"));

    /** Heads that PEFT trains for a task, whatever {@code modules_to_save} says, and whether a model has them or not. */
    private static final Map<String, List<String>> HEADS = Map.of(
            "SEQ_CLS", List.of("classifier", "score"),
            "TOKEN_CLS", List.of("classifier", "score"),
            "QUESTION_ANS", List.of("qa_outputs"));

    /** The default layers of the architecture, and the modules that the task needs. */
    public static final Attachment DEFAULT = to(null);

    /** Copies the lists. */
    public Attachment {
        modulesToSave = modulesToSave == null ? null : List.copyOf(modulesToSave);
        kept = new LinkedHashMap<>(kept);
    }

    /** Attached to these layers. */
    public static Attachment to(@Nullable TargetModules target) {
        return new Attachment(target, null, Map.of(), false);
    }

    /** With other layers. */
    public Attachment withTarget(@Nullable TargetModules newTarget) {
        return new Attachment(newTarget, modulesToSave, kept, read);
    }

    /** With other modules trained whole. */
    public Attachment withModulesToSave(List<String> modules) {
        return new Attachment(target, modules, kept, read);
    }

    /** Reads {@code target_modules}, {@code modules_to_save} and their relatives; to be called last, for it looks for fields that nobody read. */
    public static Attachment read(ConfigFields fields) {
        TargetModules target = modules(fields, "target_modules");
        List<Integer> layers = fields.wholes("layers_to_transform");
        List<String> lists = fields.strings("layers_pattern");
        TargetModules excluded = modules(fields, "exclude_modules");
        if (fields.any("layers_to_transform") != null || !lists.isEmpty()) {
            target = (target == null ? TargetModules.defaults() : target).inLayers(layers, lists);
        }
        if (excluded != null) {
            target = (target == null ? TargetModules.defaults() : target).without(excluded);
        }
        return new Attachment(target, wholeModules(fields), fields.kept(), true);
    }

    /** {@code modules_to_save} and the heads that {@code task_type} implies. */
    public static List<String> wholeModules(ConfigFields fields) {
        Set<String> whole = new LinkedHashSet<>(fields.strings("modules_to_save"));
        whole.addAll(HEADS.getOrDefault(fields.text("task_type", ""), List.of()));
        return List.copyOf(whole);
    }

    private static @Nullable TargetModules modules(ConfigFields fields, String name) {
        Object value = fields.any(name);
        if (value instanceof String pattern) {
            return pattern.isEmpty() ? null : TargetModules.matching(pattern);
        }
        List<String> names = fields.strings(name);
        return names.isEmpty() ? null : TargetModules.of(names);
    }

    /**
     * Writes the fields that {@link #read} reads, and those of every method.
     *
     * @param sites what the config selects on the model
     */
    public Map<String, Object> toJson(String peftType, ModelSites model, List<? extends Site> sites) {
        Map<String, Object> json = new TreeMap<>(kept);
        json.putIfAbsent("base_model_name_or_path", model.source());
        json.put("peft_type", peftType);
        json.put("task_type", taskType(wholeModules(model), model));
        json.put("inference_mode", true);
        json.put("modules_to_save", savedModules(wholeModules(model), model));
        json.put("target_modules", targetNames(model, sites));
        return json;
    }

    /** {@code task_type}: null where the head is not trained, since PEFT would look for one in the file. */
    public static @Nullable String taskType(List<String> whole, ModelSites model) {
        WholeModules modules = new WholeModules(whole, true);
        boolean headIsTrained = model.taskModules().stream().allMatch(m -> modules.hasTensor(m + ".weight"));
        return headIsTrained ? model.taskType().name() : null;
    }

    /** {@code modules_to_save} as PEFT writes it: with both names that heads of classifiers have. */
    public static @Nullable List<String> savedModules(List<String> whole, ModelSites model) {
        Set<String> modules = new LinkedHashSet<>(whole);
        if (model.taskType() == TaskType.SEQ_CLS && modules.contains("classifier")) {
            modules.add("score");
        }
        return modules.isEmpty() ? null : new ArrayList<>(modules);
    }

    /** A pattern that leaves nothing out stays; else the shortest names that select the same layers, so that no other field is needed. */
    private Object targetNames(ModelSites model, List<? extends Site> sites) {
        TargetModules t = targetFor(model);
        if (!t.pattern().isEmpty() && t.excluded() == null) {
            return t.pattern();
        }
        TreeSet<String> endings = sites.stream()
                .map(s -> s.name().substring(s.name().lastIndexOf('.') + 1))
                .collect(Collectors.toCollection(TreeSet::new));
        List<String> endingNames = List.copyOf(endings);
        boolean same =
                names(TargetModules.of(endingNames).selectAll(model, false)).equals(names(sites));
        return same ? endingNames : List.copyOf(names(sites));
    }

    private static TreeSet<String> names(List<? extends Site> sites) {
        return sites.stream().map(Site::name).collect(Collectors.toCollection(TreeSet::new));
    }

    /**
     * The layers that are meant, without those inside of modules that are trained whole.
     *
     * @throws IllegalArgumentException if a target matches nothing, none is left, or there is no default for the architecture
     */
    public List<LinearSite> sites(ModelSites model) {
        return free(targetFor(model).select(model, read), model);
    }

    /** Like {@link #sites}, for a method that acts at embeddings too. */
    public List<Site> sitesWithEmbeddings(ModelSites model) {
        return free(targetFor(model).selectWithEmbeddings(model, read), model);
    }

    private <S extends Site> List<S> free(List<S> chosen, ModelSites model) {
        WholeModules whole = whole(model);
        List<S> left = chosen.stream().filter(s -> !whole.hasLayer(s.name())).toList();
        if (left.isEmpty()) {
            throw new IllegalArgumentException("target_modules selects " + chosen.size()
                    + " layers, and all of them are in modules that are trained whole (modules_to_save "
                    + whole.endings() + "). Leave modules out of modules_to_save, or choose other layers.");
        }
        return left;
    }

    /** The endings of names of modules that are trained whole. */
    public List<String> wholeModules(ModelSites model) {
        return modulesToSave == null ? model.taskModules() : modulesToSave;
    }

    /** The modules that are trained whole. */
    public WholeModules whole(ModelSites model) {
        return new WholeModules(wholeModules(model), read);
    }

    /** Number of elements of the modules that are trained whole. */
    public long wholeCount(ModelSites model) {
        return whole(model).count(model);
    }

    /** Names and patterns that match nothing in a model; there are none in a config that was not read from a file. */
    public List<String> unmatched(ModelSites model) {
        List<String> all = new ArrayList<>(targetFor(model).unmatched(model));
        whole(model).unmatched(model).stream()
                .filter(m -> HEADS.values().stream().noneMatch(heads -> heads.contains(m)))
                .forEach(m -> all.add("modules_to_save " + m));
        return all;
    }

    /** The layers that were asked for, or PEFT's default. */
    public TargetModules targetFor(ModelSites model) {
        return targetOr(DEFAULTS, model);
    }

    /** The layers that were asked for, or those that a method has for the architecture. */
    public TargetModules targetOr(Map<String, List<String>> defaults, ModelSites model) {
        TargetModules asked = target;
        if (asked != null && !asked.isDefault()) {
            return asked;
        }
        List<String> names = defaults.get(model.modelType());
        if (names == null) {
            throw new IllegalArgumentException("no target_modules were given, and " + model.modelType()
                    + " has no default. Name the layers, or use all-linear.");
        }
        return asked == null ? TargetModules.of(names) : asked.withNames(names);
    }
}
