package dev.peft4j.lora.adalora;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.MethodOption;
import dev.peft4j.core.adapter.MethodValues;
import dev.peft4j.core.adapter.NamedMethod;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.PeftMethod;
import dev.peft4j.core.adapter.TargetParameters;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.lora.RankOptions;
import java.util.List;
import java.util.Map;

/** AdaLora for the service loader. */
public final class AdaLoraMethod implements PeftMethod {
    @Override
    public String peftType() {
        return AdaLoraConfig.PEFT_TYPE;
    }

    @Override
    public List<NamedMethod> named() {
        List<MethodOption> options =
                List.of(RankOptions.R, RankOptions.ALPHA, RankOptions.DROPOUT, MethodOption.TARGET_MODULES);
        return List.of(new NamedMethod("adalora", 1e-3, options, (values, model) -> config(values, model)));
    }

    /** Begins with half as many ranks again, as the paper does. */
    private static AdaLoraConfig config(MethodValues values, ModelSites model) {
        int r = RankOptions.rank(values, model);
        RankSchedule schedule = RankSchedule.of((3 * r + 1) / 2, r);
        double alpha = values.number(RankOptions.ALPHA);
        double dropout = values.number(RankOptions.DROPOUT);
        return new AdaLoraConfig(schedule, alpha, dropout, 0.5, Map.of(), values.attachment());
    }

    @Override
    public PeftConfig read(Map<String, Object> json) {
        return AdaLoraJson.read(json);
    }

    /** The ranks are those of the config; a mask is that of a layer. */
    @Override
    public PeftConfig fit(PeftConfig config, ModelSites model, Map<String, List<Long>> shapes) {
        AdaLoraConfig c = PeftMethod.require(AdaLoraConfig.class, config);
        TargetParameters.check(c.otherFields(), model);
        List<LinearSite> sites = c.sites(model);
        c.kept().forEach((layer, mask) -> {
            boolean isLayer = sites.stream().anyMatch(s -> s.name().equals(layer));
            if (!isLayer || (!mask.isEmpty() && mask.size() != c.schedule().initR())) {
                throw new BadInputException("rank_pattern has " + mask.size() + " values for \"" + layer
                        + "\"; a value for each of the init_r = " + c.schedule().initR()
                        + " ranks of a layer that AdaLoRA acts at was expected. Correct the file.");
            }
        });
        for (LinearSite s : sites) {
            PeftMethod.requireShape(shapes, s.name() + ".lora_A", c.rank(s), s.in());
        }
        return c;
    }

    @Override
    public Adapter create(PeftConfig config, ModelSites model, long seed) {
        return new AdaLoraAdapter(PeftMethod.require(AdaLoraConfig.class, config), model, seed);
    }
}
