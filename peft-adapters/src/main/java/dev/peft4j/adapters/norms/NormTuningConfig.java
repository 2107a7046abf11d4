package dev.peft4j.adapters.norms;

import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.ConfigFields;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.NormSite;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.adapter.WholeModules;
import java.util.List;
import java.util.Map;

/**
 * Which norms are trained.
 *
 * <p>Zhao et al. 2023, <a href="https://arxiv.org/abs/2312.11420">paper</a>, section 3.
 *
 * @param attachment the norms, all of them if none are named, and the modules that are trained whole
 */
public record NormTuningConfig(Attachment attachment) implements PeftConfig {
    static final String PEFT_TYPE = "LN_TUNING";

    /** All norms. */
    public static final NormTuningConfig ALL = new NormTuningConfig(Attachment.DEFAULT);

    static NormTuningConfig read(Map<String, Object> json) {
        return new NormTuningConfig(Attachment.read(new ConfigFields(json)));
    }

    List<NormSite> sites(ModelSites model) {
        TargetModules target = attachment.target();
        List<NormSite> chosen =
                target == null ? model.normSites() : targets(model).selectNorms(model, attachment.read());
        WholeModules whole = attachment.whole(model);
        List<NormSite> left =
                chosen.stream().filter(s -> !whole.hasLayer(s.name())).toList();
        if (left.isEmpty()) {
            throw new IllegalArgumentException("norm tuning selects " + chosen.size()
                    + " norms, and all of them are in modules that are trained whole (modules_to_save "
                    + whole.endings() + "). Leave modules out of modules_to_save, or choose other norms.");
        }
        return left;
    }

    private TargetModules targets(ModelSites model) {
        List<String> all = model.normSites().stream()
                .map(s -> s.name().substring(s.name().lastIndexOf('.') + 1))
                .distinct()
                .toList();
        return attachment.targetOr(Map.of(model.modelType(), all), model);
    }

    @Override
    public List<String> unmatched(ModelSites model) {
        return attachment.withTarget(targets(model)).unmatched(model);
    }

    @Override
    public NormTuningConfig withModulesToSave(List<String> modules) {
        return new NormTuningConfig(attachment.withModulesToSave(modules));
    }

    @Override
    public String peftType() {
        return PEFT_TYPE;
    }

    @Override
    public long parameterCount(ModelSites model) {
        return attachment.wholeCount(model)
                + sites(model).stream().mapToLong(s -> 2L * s.width()).sum();
    }

    @Override
    public Map<String, Object> toJson(ModelSites model) {
        return attachment.toJson(PEFT_TYPE, model, sites(model));
    }
}
