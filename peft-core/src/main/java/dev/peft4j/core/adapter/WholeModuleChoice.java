package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.ModelSites;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Which modules of a model an adapter trains whole, and why it cannot.
 *
 * @param asked what {@code modules_to_save} has
 * @param model that has the modules
 * @param wrappers what the adapter has around modules already
 */
record WholeModuleChoice(WholeModules asked, ModelSites model, Wrappers wrappers) {

    /** Refuses entries that mean nothing, unless they may. */
    void requireModules() {
        List<String> unmatched = asked.unmatched(model);
        if (!unmatched.isEmpty() && !asked.mayMiss()) {
            throw new BadInputException("modules_to_save " + unmatched
                    + " matches no module with tensors of this " + model.modelType()
                    + " model (" + model.usedNames().size() + " tensors searched). Name modules that it has, by the"
                    + " ends of their names.");
        }
    }

    /** PEFT looks for the entries of a file among its own modules too, and stops where one means such a module. */
    void requireNoneOfPeft(List<Parameter> parameters, Optional<String> dropoutName) {
        for (Parameter p : parameters) {
            String layer = wrappers.layerOf(p.name());
            if (!layer.isEmpty()) {
                int end = p.name().indexOf('.', layer.length() + 1);
                String part = end < 0 ? p.name() : p.name().substring(0, end);
                List<String> own = new ArrayList<>(List.of(part));
                if (end >= 0) {
                    own.add(part + ".default");
                }
                dropoutName.ifPresent(name -> own.addAll(List.of(layer + name, layer + name + ".default")));
                if (own.stream().anyMatch(asked::means)) {
                    throw new BadInputException(
                            "modules_to_save " + asked.endings() + " means a part of the adapter at " + layer
                                    + " by the end of its name. Name modules of the model.");
                }
            }
        }
    }

    /** The modules; of a file only those of which PEFT trains a copy. */
    List<String> modules() {
        Modules all = new Modules(model);
        for (String module : asked.mayMiss() ? all.names() : Set.<String>of()) {
            if (asked.means(module)) {
                boolean hasLayers = wrappers.modules().stream().anyMatch(w -> (w + ".").startsWith(module + "."));
                if (hasLayers || asked.hasTensor(module) || all.isList(module)) {
                    throw new BadInputException("modules_to_save " + asked.endings() + " means " + module
                            + ", of which no copy can be trained: it "
                            + (hasLayers
                                    ? "has adapters in it"
                                    : all.isList(module) ? "is a list" : "is in another one")
                            + ". Name other modules.");
                }
            }
        }
        return asked.modules(all);
    }
}
