package dev.peft4j.lora;

import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.EmbeddingSite;
import dev.peft4j.core.adapter.LinearSite;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.adapter.WholeModules;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * {@code ensure_weight_tying}, by PEFT's rules: where the embedding or the head that is tied to it is trained, both are trained as one. It has an effect
 * only where one of them is named in a list by {@code embed_tokens} or {@code lm_head}.
 */
final class WeightTying {
    private static final List<String> NAMES = List.of("embed_tokens", "lm_head");

    private WeightTying() {}

    /** What is attached once embedding and head are one: the embedding in the place of either. */
    static Attachment resolve(LoraConfig config, ModelSites model) {
        Attachment given = config.attachment();
        if (!config.ensureWeightTying() || head(model).isEmpty()) {
            return given;
        }
        if (savesTable(given, model)) {
            return given.withModulesToSave(withoutHead(given.wholeModules(model), model));
        }
        if (targetsTable(given)) {
            TargetModules target = given.targetFor(model);
            return given.withTarget(target.withNames(withoutHead(target.names(), model)));
        }
        return given;
    }

    /** The head whose LoRA is that of the embedding; none unless the embedding has LoRA for both. */
    static Optional<LinearSite> sharedHead(LoraConfig config, ModelSites model) {
        boolean shared = config.ensureWeightTying()
                && !savesTable(config.attachment(), model)
                && targetsTable(config.attachment());
        return shared ? head(model) : Optional.empty();
    }

    /** Whether the head follows the trained copy of the embedding. */
    static boolean headFollows(LoraConfig config, ModelSites model) {
        return config.ensureWeightTying() && savesTable(config.attachment(), model);
    }

    private static Optional<LinearSite> head(ModelSites model) {
        return model.linearSites().stream().filter(model::isTied).findFirst();
    }

    private static boolean savesTable(Attachment a, ModelSites model) {
        return a.wholeModules(model).stream().anyMatch(WeightTying::isTable);
    }

    private static boolean targetsTable(Attachment a) {
        TargetModules target = a.target();
        if (target == null) {
            return false;
        }
        return target.pattern().isEmpty()
                ? target.names().stream().anyMatch(WeightTying::isTable)
                : NAMES.stream().anyMatch(target::isMatched);
    }

    private static boolean isTable(String name) {
        return NAMES.contains(name.substring(name.lastIndexOf('.') + 1));
    }

    private static List<String> withoutHead(List<String> names, ModelSites model) {
        EmbeddingSite table = model.embeddingSites().get(0);
        List<String> all = new ArrayList<>(names);
        if (!all.contains(table.name())) {
            all.add(table.name());
        }
        head(model).ifPresent(head -> all.removeIf(n -> new WholeModules(List.of(n), true).hasLayer(head.name())));
        return all;
    }
}
