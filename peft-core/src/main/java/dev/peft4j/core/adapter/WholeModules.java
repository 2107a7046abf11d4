package dev.peft4j.core.adapter;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * {@code modules_to_save}: modules of which an adapter trains a copy. As in PEFT, a module is meant if its name ends in an entry, without looking for a dot
 * ({@code norm} means {@code input_layernorm} too), and layers inside of a module of that very name are no targets.
 *
 * @param endings of the names of modules
 * @param mayMiss whether an entry may mean no module: in files that were read
 */
public record WholeModules(List<String> endings, boolean mayMiss) {
    /** Copies the entries. */
    public WholeModules {
        endings = List.copyOf(endings);
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

    private boolean means(String module) {
        return endings.stream().anyMatch(module::endsWith);
    }

    /** Whether a layer is trained with one of the modules, so that nothing else acts there. */
    public boolean hasLayer(String layer) {
        return hasTensor(layer + ".") || endings.stream().anyMatch(e -> excludes(e, layer));
    }

    /** PEFT: {@code re.match(r"(^|.*\.)entry($|\..*)", layer)}. */
    private static boolean excludes(String entry, String layer) {
        if (entry.chars().allMatch(c -> Character.isLetterOrDigit(c) || c == '_' || c == '-')) {
            return ("." + layer + ".").contains("." + entry + ".");
        }
        return PythonPattern.compile("modules_to_save", "(^|.*\\.)" + entry + "($|\\..*)")
                .matcher(new BoundedText(layer))
                .lookingAt();
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

    /** Number of elements of the tensors. */
    public long count(ModelSites model) {
        return tensors(model).stream()
                .mapToLong(n -> model.usedTensor(n).size())
                .sum();
    }

    /** Entries that mean no module of a model. */
    public List<String> unmatched(ModelSites model) {
        return endings.stream()
                .filter(e -> new WholeModules(List.of(e), true).tensors(model).isEmpty())
                .toList();
    }
}
