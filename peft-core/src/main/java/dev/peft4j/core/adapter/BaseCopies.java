package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.DenseWeight;
import dev.peft4j.core.weight.FrozenWeight;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Copies of base tensors that take their place, by the names under which a model uses them: trained ones, and those that a file has. */
final class BaseCopies {
    private final ModelSites model;
    private final Map<String, Parameter> own = new LinkedHashMap<>(); // trained
    private final Map<String, Parameter> shared = new LinkedHashMap<>(); // of another name, or of a file
    private final Map<String, Parameter> fromFile = new HashMap<>(); // by the names of the tensors in the checkpoint
    private final List<Parameter> spare = new ArrayList<>();
    private final Set<Parameter> transposed = new HashSet<>(); // in files

    BaseCopies(ModelSites model) {
        this.model = model;
    }

    /** A copy of the tensor that is used under a name; it is trained, unless it is a statistic. */
    Parameter train(String name, String savedName) {
        Parameter p = copy(model.storedName(name), savedName);
        p.setTrainable(!model.statistics().contains(name));
        own.put(name, p);
        return p;
    }

    /** A trained copy that takes no place, which files have all the same. */
    Parameter spare(String name, String savedName) {
        Parameter p = copy(model.storedName(name), savedName);
        spare.add(p);
        return p;
    }

    private Parameter copy(String stored, String savedName) {
        Tensor copy = model.weight(stored).copy(model.backend().dtype());
        Parameter p = new Parameter(savedName, copy, model.shape(stored));
        if (model.isTransposed(stored)) {
            transposed.add(p);
        }
        return p;
    }

    /** Lets a name have the copy of another one. */
    void share(String name, Parameter copy) {
        shared.put(name, copy);
    }

    /** The names that have no copy of their own, of those under which the tensor of a name is used. */
    List<String> uses(String name) {
        String stored = model.storedName(name);
        return model.usedNames().stream()
                .filter(n -> model.storedName(n).equals(stored))
                .filter(n -> get(n) == null || get(n) == fromFile.get(stored))
                .toList();
    }

    /**
     * A copy for the tensor of a file that takes the place of the base's wherever that has no trained copy. It is not trained.
     *
     * @param uses names under which it is used
     */
    Parameter replace(List<String> uses, String savedName) {
        String stored = model.storedName(uses.get(0));
        Parameter p = fromFile.get(stored);
        if (p == null) {
            p = copy(stored, savedName);
            p.setTrainable(false);
            fromFile.put(stored, p);
            for (String use : uses) {
                shared.put(use, p);
            }
        }
        return p;
    }

    /** What stands in the place of the tensor of a name, or null. */
    @Nullable
    Parameter get(String name) {
        Parameter p = own.get(name);
        return p == null ? shared.get(name) : p;
    }

    /** The tensor of a file or of the base. */
    FrozenWeight untrained(String name) {
        Parameter p = fromFile.get(model.storedName(name));
        return p == null ? model.usedWeight(name) : new DenseWeight(p.value());
    }

    /** Those of a file, by the names of the tensors in the checkpoint. */
    Map<String, Parameter> fromFile() {
        return fromFile;
    }

    boolean hasOwn(String name) {
        return own.containsKey(name);
    }

    boolean isTransposed(Parameter p) {
        return transposed.contains(p);
    }

    /** All of them, each once. */
    List<Parameter> parameters() {
        Set<Parameter> all = new LinkedHashSet<>(own.values());
        all.addAll(shared.values());
        all.addAll(spare);
        return new ArrayList<>(all);
    }
}
