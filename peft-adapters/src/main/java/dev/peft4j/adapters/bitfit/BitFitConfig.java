package dev.peft4j.adapters.bitfit;

import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.ConfigFields;
import dev.peft4j.core.adapter.OtherFields;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.adapter.WholeModules;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.Site;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Which biases are trained.
 *
 * <p>Ben Zaken et al. 2022, <a href="https://arxiv.org/abs/2106.10199">paper</a>, section 3. PEFT has no method of this name; the file has its form.
 *
 * @param attachment endings of the names of the modules whose biases are trained, or none for all; and the modules that are trained whole
 */
public record BitFitConfig(Attachment attachment) implements PeftConfig {
    static final String PEFT_TYPE = "BITFIT";
    private static final String SUFFIX = ".bias";

    /** All biases. */
    public static final BitFitConfig ALL = new BitFitConfig(Attachment.DEFAULT);

    static BitFitConfig read(Map<String, Object> json) {
        ConfigFields f = new ConfigFields(json);
        return new BitFitConfig(Attachment.read(f, EnumSet.of(Attachment.Choice.EXCLUDED, Attachment.Choice.BLOCKS)));
    }

    /**
     * Names of the biases.
     *
     * @throws BadInputException if there are none
     */
    List<String> biases(ModelSites model) {
        WholeModules whole = attachment.whole(model);
        TargetModules target = attachment.target();
        Set<String> meant = target == null ? model.tensorNames() : biasesOf(layers(target, model));
        List<String> all = model.tensorNames().stream()
                .filter(n -> n.endsWith(SUFFIX) && meant.contains(n) && !whole.hasTensor(n))
                .toList();
        if (all.isEmpty()) {
            throw new BadInputException("BitFit was asked for, and none of the "
                    + model.tensorNames().size() + " tensors of this " + model.modelType()
                    + " model is a bias that it could train. Use LoRA, IA3 or norm tuning.");
        }
        return all;
    }

    /** The layers that are meant; without names all that have a bias, less those that are left out. */
    private List<Site> layers(TargetModules target, ModelSites model) {
        if (!target.isDefault()) {
            return choose(target, model);
        }
        List<String> endings = model.tensorNames().stream()
                .filter(n -> n.endsWith(SUFFIX))
                .map(n -> n.substring(0, n.length() - SUFFIX.length()))
                .map(n -> n.substring(n.lastIndexOf('.') + 1))
                .distinct()
                .toList();
        return choose(attachment.targetOr(endings, model), model);
    }

    private List<Site> choose(TargetModules target, ModelSites model) {
        List<Site> all = new ArrayList<>(model.embeddingSites());
        all.addAll(Attachment.withConvolutions(model));
        all.addAll(model.normSites());
        return attachment.choose(all, target, model);
    }

    private static Set<String> biasesOf(List<Site> layers) {
        return layers.stream().map(s -> s.name() + SUFFIX).collect(Collectors.toSet());
    }

    @Override
    public BitFitConfig withModulesToSave(List<String> modules) {
        return new BitFitConfig(attachment.withModulesToSave(modules));
    }

    @Override
    public String peftType() {
        return PEFT_TYPE;
    }

    @Override
    public long parameterCount(ModelSites model) {
        return attachment.wholeCount(model)
                + biases(model).stream().mapToLong(model::elements).sum();
    }

    @Override
    public Map<String, Object> toJson(ModelSites model) {
        Map<String, Object> json = new TreeMap<>(attachment.otherFields().unknown());
        json.putIfAbsent("base_model_name_or_path", model.source());
        json.put("peft_type", PEFT_TYPE);
        json.put("task_type", model.taskType().peftName().orElse(null));
        json.put("inference_mode", true);
        json.put("target_modules", targetNames(model));
        json.put("modules_to_save", Attachment.savedModules(attachment.wholeModules(model), model));
        return json;
    }

    /** None for all; else the whole names of the layers, so that no other field is needed. */
    private @Nullable List<String> targetNames(ModelSites model) {
        if (attachment.target() == null) {
            return null;
        }
        return biases(model).stream()
                .map(n -> n.substring(0, n.length() - SUFFIX.length()))
                .toList();
    }

    @Override
    public OtherFields otherFields() {
        return attachment.otherFields();
    }

    @Override
    public List<String> untrainable(ModelSites model) {
        return attachment.target() == null ? attachment.otherFields().untrainable() : attachment.untrainable(model);
    }
}
