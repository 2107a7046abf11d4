package dev.peft4j.core.adapter;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
 */
public record Attachment(
        @Nullable TargetModules target, @Nullable List<String> modulesToSave, Map<String, Object> kept) {
    /** PEFT's default layers of LoRA and its relatives per {@code model_type}. */
    private static final Map<String, List<String>> DEFAULTS = Map.of(
            "gpt2", List.of("c_attn"),
            "llama", List.of("q_proj", "v_proj"),
            "bert", List.of("query", "value"));

    /** The default layers of the architecture, and the modules that the task needs. */
    public static final Attachment DEFAULT = new Attachment(null, null, Map.of());

    /** Copies the lists. */
    public Attachment {
        modulesToSave = modulesToSave == null ? null : List.copyOf(modulesToSave);
        kept = new LinkedHashMap<>(kept);
    }

    /** Attached to these layers. */
    public static Attachment to(@Nullable TargetModules target) {
        return new Attachment(target, null, Map.of());
    }

    /** With other layers. */
    public Attachment withTarget(@Nullable TargetModules newTarget) {
        return new Attachment(newTarget, modulesToSave, kept);
    }

    /** With other modules trained whole. */
    public Attachment withModulesToSave(List<String> modules) {
        return new Attachment(target, modules, kept);
    }

    /** Reads {@code target_modules}, {@code modules_to_save} and their relatives; to be called last, for it looks for fields that nobody read. */
    public static Attachment read(ConfigFields fields) {
        TargetModules target = modules(fields, "target_modules");
        List<Integer> layers = fields.wholes("layers_to_transform");
        List<String> lists = fields.strings("layers_pattern");
        TargetModules excluded = modules(fields, "exclude_modules");
        if (target != null) {
            if (fields.any("layers_to_transform") != null) {
                target = target.inLayers(layers, lists);
            }
            target = target.without(excluded);
        }
        List<String> whole = fields.strings("modules_to_save").stream()
                .filter(m -> !m.equals("score")) // PEFT names both heads that classifiers may have
                .toList();
        return new Attachment(target, whole, fields.kept());
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
        json.putIfAbsent("base_model_name_or_path", null);
        json.put("peft_type", peftType);
        // PEFT trains the head of a task whatever modules_to_save says: without a trained head there is no task
        boolean headIsTrained = wholeModules(model).containsAll(model.taskModules());
        json.put("task_type", headIsTrained ? model.taskType().name() : null);
        json.put("inference_mode", true);
        json.put("modules_to_save", savedModules(model));
        json.put("target_modules", targetNames(model, sites));
        return json;
    }

    private @Nullable List<String> savedModules(ModelSites model) {
        List<String> modules = new ArrayList<>(wholeModules(model));
        if (model.taskType() == TaskType.SEQ_CLS && modules.contains("classifier")) {
            modules.add("score");
        }
        return modules.isEmpty() ? null : modules;
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
        boolean same = names(TargetModules.of(endingNames).selectAll(model)).equals(names(sites));
        return same ? endingNames : List.copyOf(names(sites));
    }

    private static TreeSet<String> names(List<? extends Site> sites) {
        return sites.stream().map(Site::name).collect(Collectors.toCollection(TreeSet::new));
    }

    /**
     * The layers that are meant, without those inside of modules that are trained whole.
     *
     * @throws IllegalArgumentException if a target matches nothing, or there is no default for the architecture
     */
    public List<LinearSite> sites(ModelSites model) {
        List<String> whole = wholeModules(model);
        return targetFor(model).select(model).stream()
                .filter(s -> whole.stream().noneMatch(m -> isUnder(m, s.name())))
                .toList();
    }

    /** Like {@link #sites}, for a method that acts at embeddings too. */
    public List<Site> sitesWithEmbeddings(ModelSites model) {
        List<String> whole = wholeModules(model);
        return targetFor(model).selectWithEmbeddings(model).stream()
                .filter(s -> whole.stream().noneMatch(m -> isUnder(m, s.name())))
                .toList();
    }

    /** The endings of names of modules that are trained whole. */
    public List<String> wholeModules(ModelSites model) {
        return modulesToSave == null ? model.taskModules() : modulesToSave;
    }

    /** Number of elements of the modules that are trained whole. */
    public long wholeCount(ModelSites model) {
        List<String> whole = wholeModules(model);
        return model.tensorNames().stream()
                .filter(n -> whole.stream().anyMatch(m -> isUnder(m, n)))
                .mapToLong(n -> model.tensor(n).size())
                .sum();
    }

    /** Whether a name is of a module or of something inside of it. */
    public static boolean isUnder(String module, String name) {
        return ("." + name + ".").contains("." + module + ".");
    }

    /** The layers that were asked for, or PEFT's default. */
    public TargetModules targetFor(ModelSites model) {
        if (target != null) {
            return target;
        }
        List<String> names = DEFAULTS.get(model.modelType());
        if (names == null) {
            throw new IllegalArgumentException("no target_modules were given, and " + model.modelType()
                    + " has no default. Name the layers, or use all-linear.");
        }
        return TargetModules.of(names);
    }
}
