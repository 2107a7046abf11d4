package dev.peft4j.core.adapter;

import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.OtherNames;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The config of an adapter that was trained when modules of its model had other names ({@link OtherNames}). What it means is looked up by those, as PEFT did, and
 * told by whole names of today.
 */
final class OlderConfig {
    private static final String TARGET = "target_modules";
    private static final String SAVED = "modules_to_save";
    private static final String INNER = "feedforward_modules";
    private static final List<String> PATTERNS = List.of("rank_pattern", "alpha_pattern");
    private static final List<String> CHOICES = List.of("exclude_modules", "layers_to_transform", "layers_pattern");

    private final Map<String, Object> json;
    private final ModelSites model;
    private final Map<String, String> today = new LinkedHashMap<>(); // by older names

    private OlderConfig(Map<String, Object> json, ModelSites model) {
        this.json = json;
        this.model = model;
        OtherNames names = model.traits().olderNames();
        new Modules(model).names().forEach(module -> today.put(names.other(module), module));
    }

    /** The fields with names of today; those that choose fewer layers are in the list of them then. */
    static Map<String, Object> of(Map<String, Object> json, ModelSites model) {
        OlderConfig config = new OlderConfig(json, model);
        Map<String, Object> told = new LinkedHashMap<>(json);
        if (json.get(SAVED) instanceof Collection<?> modules) {
            told.put(SAVED, config.saved(modules));
        }
        List<String> targets = config.targets();
        if (!targets.isEmpty()) {
            told.put(TARGET, config.named(targets));
            told.keySet().removeAll(CHOICES);
            PATTERNS.forEach(field -> told.computeIfPresent(field, (f, values) -> config.byLayer(values, targets)));
            told.computeIfPresent(INNER, (f, layers) -> config.named(within(layers, targets)));
        }
        return told;
    }

    private List<String> named(Collection<String> older) {
        return older.stream().map(name -> today.getOrDefault(name, name)).toList();
    }

    /** The layers that are meant, by their older names; none where the field means none, or has to be refused. */
    private List<String> targets() {
        ConfigFields fields = new ConfigFields(json);
        TargetModules target = TargetFields.target(fields);
        boolean blocksOfText = json.get(TARGET) instanceof String
                && (json.get("layers_to_transform") != null || json.get("layers_pattern") != null);
        if (target == null || target.names().contains(Attachment.NOTHING) || blocksOfText) {
            return List.of();
        }
        TargetModules some = TargetFields.inBlocks(target, fields, true);
        TargetModules chosen = (some == null ? target : some).without(TargetFields.excluded(fields));
        OtherNames names = model.traits().olderNames();
        Set<String> linear = FileTargets.allLinear(model).stream()
                .map(names::other)
                .collect(Collectors.toCollection(LinkedHashSet::new));
        WholeModules whole = WholeModules.read(fields, AdapterFiles.PREFIX);
        return new FileTargets(chosen, whole, today.keySet(), linear, true).modules();
    }

    /** Entries that mean a module of today stay. */
    private List<Object> saved(Collection<?> entries) {
        List<Object> told = new ArrayList<>();
        for (Object entry : entries) {
            String end = String.valueOf(entry);
            List<String> meant =
                    today.keySet().stream().filter(m -> m.endsWith(end)).toList();
            boolean stays = meant.isEmpty() || today.values().stream().anyMatch(m -> m.endsWith(end));
            told.addAll(stays ? List.of(entry) : named(meant));
        }
        return told;
    }

    /** The value of each layer; what is no pattern stays. */
    private Object byLayer(Object values, List<String> layers) {
        if (!(values instanceof Map<?, ?> given) || given.isEmpty()) {
            return values;
        }
        Map<String, Object> pattern = new LinkedHashMap<>();
        given.forEach((key, value) -> pattern.put(String.valueOf(key), value));
        Map<String, Object> told = new LinkedHashMap<>();
        for (String layer : layers) {
            Object value = NamePattern.value(pattern, layer, this);
            if (value != this) {
                told.put(today.getOrDefault(layer, layer), value);
            }
        }
        return told;
    }

    /** Those of some layers that IA3 means: by their ends, or by a pattern. */
    private static List<String> within(@Nullable Object field, List<String> layers) {
        if (field instanceof String text) {
            Pattern pattern = PythonPattern.compile(INNER, text);
            return layers.stream()
                    .filter(l -> pattern.matcher(new BoundedText(l)).matches())
                    .toList();
        }
        Collection<?> ends = field instanceof Collection<?> c ? c : List.of();
        return layers.stream()
                .filter(l -> ends.stream().anyMatch(e -> l.endsWith(String.valueOf(e))))
                .toList();
    }
}
