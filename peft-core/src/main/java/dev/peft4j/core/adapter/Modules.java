package dev.peft4j.core.adapter;

import dev.peft4j.core.site.ModelSites;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The modules of a model, by the names of its tensors: layers, and what contains them. */
final class Modules {
    private final Map<String, List<String>> tensors = new LinkedHashMap<>(); // below each module
    private final List<String> sequences;
    private final List<String> heads;

    Modules(ModelSites model) {
        sequences = model.traits().sequences();
        heads = model.taskModules();
        for (String tensor : model.usedNames()) {
            for (int dot = tensor.indexOf('.'); dot >= 0; dot = tensor.indexOf('.', dot + 1)) {
                tensors.computeIfAbsent(tensor.substring(0, dot), m -> new ArrayList<>())
                        .add(tensor);
            }
        }
    }

    /** All names, a container in front of what it contains. */
    Set<String> names() {
        return tensors.keySet();
    }

    /** The tensors of a module and of what it contains, by the names under which a model uses them. */
    List<String> tensors(String module) {
        return tensors.getOrDefault(module, List.of());
    }

    /** Whether a module is a list of blocks: it has numbers below it, and does not run as one module. */
    boolean isList(String module) {
        boolean runs = sequences.contains(module.substring(module.lastIndexOf('.') + 1)) || heads.contains(module);
        return !runs
                && tensors.keySet().stream()
                        .anyMatch(m -> m.startsWith(module + ".")
                                && m.substring(module.length() + 1).chars().allMatch(c -> c >= '0' && c <= '9'));
    }
}
