package dev.peft4j.adapters.norms;

import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.ConfigFields;
import dev.peft4j.core.adapter.OtherFields;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.adapter.WholeModules;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.NormSite;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

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
        ConfigFields f = new ConfigFields(json);
        return new NormTuningConfig(Attachment.read(f, EnumSet.of(Attachment.Choice.EXCLUDED)));
    }

    /** The names of the norms; a file may name other modules, of which copies are trained just so. */
    Set<String> modules(ModelSites model) {
        if (attachment.read()) {
            return attachment.modules(targets(model), model);
        }
        if (model.normSites().isEmpty()) {
            throw new BadInputException("norm tuning was asked for, and this " + model.modelType()
                    + " model has no norms. Methods that act at other layers fit it: LORA, LOHA, LOKR, IA3, BITFIT.");
        }
        TargetModules target = attachment.target();
        List<NormSite> chosen =
                target == null ? model.normSites() : attachment.choose(model.normSites(), targets(model), model);
        WholeModules whole = attachment.whole(model);
        Set<String> left = new TreeSet<>();
        chosen.stream().map(NormSite::name).filter(n -> !whole.hasLayer(n)).forEach(left::add);
        if (left.isEmpty()) {
            throw new BadInputException("norm tuning selects " + chosen.size()
                    + " norms, and all of them are in modules that are trained whole (modules_to_save "
                    + whole.endings() + "). Leave modules out of modules_to_save, or choose other norms.");
        }
        return left;
    }

    private TargetModules targets(ModelSites model) {
        if (attachment.read()) {
            return attachment.targetOr(PEFT_TYPE, model);
        }
        List<String> all = model.normSites().stream()
                .map(s -> s.name().substring(s.name().lastIndexOf('.') + 1))
                .distinct()
                .toList();
        return attachment.targetOr(all, model);
    }

    @Override
    public OtherFields otherFields() {
        return attachment.otherFields();
    }

    @Override
    public List<String> untrainable(ModelSites model) {
        return attachment.untrainable(targets(model), model);
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
                + modules(model).stream()
                        .flatMap(m -> model.usedNames().stream().filter(n -> n.startsWith(m + ".")))
                        .mapToLong(n -> model.elements(model.storedName(n)))
                        .sum();
    }

    @Override
    public Map<String, Object> toJson(ModelSites model) {
        return attachment.withTarget(targets(model)).toJson(PEFT_TYPE, model, modules(model));
    }
}
