package dev.peft4j.core.adapter;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.ModelSites;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * {@code modules_to_save}: modules of which an adapter trains a copy. As in PEFT, a module is meant if its name ends in an entry, without looking for a dot
 * ({@code norm} means {@code input_layernorm} too), and layers inside of a module of that very name are no targets.
 *
 * @param endings of the names of modules
 * @param prefix what names of modules begin with when they are compared: PEFT looks for the heads of a task from further outside than for other modules
 * @param mayMiss whether an entry may mean no module: in files that were read
 */
public record WholeModules(List<String> endings, String prefix, boolean mayMiss) {
    /** The names by which PEFT knows the head of a classifier, in every family. */
    static final List<String> CLASSIFIERS = List.of("classifier", "score");

    /** Heads that PEFT trains for a task, whatever the field says, and whether a model has them or not. */
    private static final Map<String, List<String>> HEADS = Map.of(
            "SEQ_CLS", CLASSIFIERS,
            "TOKEN_CLS", CLASSIFIERS,
            "QUESTION_ANS", List.of("qa_outputs"));

    /** Copies the entries. */
    public WholeModules {
        endings = List.copyOf(endings);
    }

    /** Names of modules without a prefix. */
    public WholeModules(List<String> endings, boolean mayMiss) {
        this(endings, "", mayMiss);
    }

    /**
     * Reads {@code modules_to_save}, and adds the heads that {@code task_type} implies.
     *
     * @param outside what names of modules begin with where PEFT looks for heads
     * @throws BadInputException if the field does not hold names
     */
    public static WholeModules read(ConfigFields fields, String outside) {
        Object value = fields.any("modules_to_save");
        List<String> heads =
                fields.any("task_type") instanceof String task ? HEADS.getOrDefault(task, List.of()) : List.of();
        List<String> all = new ArrayList<>();
        if (value instanceof String text && heads.isEmpty()) {
            text.chars().forEach(letter -> all.add(String.valueOf((char) letter))); // as Python goes through a text
        } else if (value instanceof Collection || (value instanceof Map && heads.isEmpty())) {
            all.addAll(fields.texts("modules_to_save"));
        } else if (value != null && (PythonValue.isTrue(value) || !heads.isEmpty())) {
            throw ConfigFields.wrong("modules_to_save", value, "a list of names");
        }
        all.addAll(heads);
        return new WholeModules(all, heads.isEmpty() ? "" : outside, true);
    }

    /** Whether a tensor belongs to one of the modules. */
    public boolean hasTensor(String tensor) {
        for (int dot = tensor.indexOf('.'); dot >= 0; dot = tensor.indexOf('.', dot + 1)) {
            if (means(tensor.substring(0, dot))) {
                return true;
            }
        }
        return false;
    }

    /** Whether an entry means a module. */
    boolean means(String module) {
        String name = prefix + module;
        return endings.stream().anyMatch(name::endsWith);
    }

    /** Whether a layer is trained with one of the modules, so that nothing else acts there. */
    public boolean hasLayer(String layer) {
        return hasTensor(layer + ".") || excludes(layer);
    }

    /** Whether PEFT leaves a module out of the targets: {@code re.match(r"(^|.*\.)entry($|\..*)", module)}. */
    boolean excludes(String module) {
        return endings.stream().anyMatch(e -> excludes(e, module));
    }

    private static boolean excludes(String entry, String module) {
        if (NamePattern.isPlain(entry)) {
            return ("." + module + ".").contains("." + entry + ".");
        }
        Pattern regex = PythonPattern.compile("modules_to_save", "(^|.*\\.)" + entry + "($|\\..*)");
        return regex.matcher(new BoundedText(module)).lookingAt();
    }

    /** The tensors of the modules, by all names under which a model uses them. */
    public Set<String> tensors(ModelSites model) {
        Set<String> found = new LinkedHashSet<>();
        for (String tensor : model.usedNames()) {
            if (hasTensor(tensor)) {
                found.add(tensor);
            }
        }
        return found;
    }

    /** The modules that are meant, without those inside of another one. */
    List<String> modules(Modules all) {
        return all.names().stream()
                .filter(this::means)
                .filter(m -> !hasTensor(m))
                .toList();
    }

    /** Number of elements of the tensors. */
    public long count(ModelSites model) {
        return tensors(model).stream()
                .mapToLong(n -> model.elements(model.storedName(n)))
                .sum();
    }

    /** Entries that mean no module of a model. */
    public List<String> unmatched(ModelSites model) {
        return endings.stream()
                .filter(e -> new WholeModules(List.of(e), prefix, true)
                        .tensors(model)
                        .isEmpty())
                .toList();
    }

    /** The same as a message tells them, without the heads that a task implies. */
    public List<String> missing(ModelSites model) {
        return unmatched(model).stream()
                .filter(m -> HEADS.values().stream().noneMatch(heads -> heads.contains(m)))
                .map(m -> "modules_to_save " + m)
                .toList();
    }
}
