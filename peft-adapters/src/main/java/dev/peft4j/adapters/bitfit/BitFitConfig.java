package dev.peft4j.adapters.bitfit;

import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.ConfigFields;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.TargetModules;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Which biases are trained.
 *
 * <p>Ben Zaken et al. 2022, <a href="https://arxiv.org/abs/2106.10199">paper</a>, section 3. PEFT has no method of this name; the file has its form.
 *
 * @param attachment endings of the names of the modules whose biases are trained, or none for all; and the modules that are trained whole
 */
public record BitFitConfig(Attachment attachment) implements PeftConfig {
    static final String PEFT_TYPE = "BITFIT";

    /** All biases. */
    public static final BitFitConfig ALL = new BitFitConfig(Attachment.DEFAULT);

    static BitFitConfig read(Map<String, Object> json) {
        return new BitFitConfig(Attachment.read(new ConfigFields(json)));
    }

    /**
     * Names of the biases.
     *
     * @throws IllegalArgumentException if there are none
     */
    List<String> biases(ModelSites model) {
        List<String> whole = attachment.wholeModules(model);
        TargetModules target = attachment.target();
        List<String> all = model.tensorNames().stream()
                .filter(n -> n.endsWith(".bias"))
                .filter(n -> whole.stream().noneMatch(m -> Attachment.isUnder(m, n)))
                .filter(n -> target == null || isMeant(target, n.substring(0, n.length() - ".bias".length())))
                .toList();
        if (all.isEmpty()) {
            throw new IllegalArgumentException("BitFit was asked for, and none of the "
                    + model.tensorNames().size() + " tensors of this " + model.modelType()
                    + " model is a bias that it could train. Use LoRA, IA3 or norm tuning.");
        }
        return all;
    }

    private static boolean isMeant(TargetModules target, String module) {
        return target.names().stream().anyMatch(n -> TargetModules.matches(n, module));
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
                + biases(model).stream().mapToLong(n -> model.tensor(n).size()).sum();
    }

    @Override
    public Map<String, Object> toJson(ModelSites model) {
        Map<String, Object> json = new TreeMap<>(attachment.kept());
        json.put("peft_type", PEFT_TYPE);
        json.put("task_type", model.taskType().name());
        json.put("inference_mode", true);
        TargetModules target = attachment.target();
        json.put("target_modules", target == null ? null : target.names());
        json.put("modules_to_save", attachment.wholeModules(model));
        return json;
    }
}
