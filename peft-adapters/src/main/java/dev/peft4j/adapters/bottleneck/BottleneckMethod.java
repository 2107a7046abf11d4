package dev.peft4j.adapters.bottleneck;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.MethodOption;
import dev.peft4j.core.adapter.NamedMethod;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.PeftMethod;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.TransformerSites;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleFunction;

/** Bottleneck adapters for the service loader. */
public final class BottleneckMethod implements PeftMethod {
    private static final MethodOption FACTOR =
            MethodOption.number("--reduction-factor", "F", 16, "hidden size over bottleneck");

    private static final String WEIGHT = ".weight";

    @Override
    public String peftType() {
        return BottleneckConfig.PEFT_TYPE;
    }

    @Override
    public List<NamedMethod> named() {
        return List.of(
                named("houlsby", BottleneckConfig::houlsby),
                named("pfeiffer", BottleneckConfig::pfeiffer),
                named("parallel", factor -> BottleneckConfig.parallel(factor, 4)));
    }

    private static NamedMethod named(String name, DoubleFunction<BottleneckConfig> place) {
        return new NamedMethod(name, 1e-3, List.of(FACTOR), (values, model) -> place.apply(values.number(FACTOR)));
    }

    @Override
    public PeftConfig read(Map<String, Object> json) {
        return BottleneckJson.read(json);
    }

    /** The modules that are trained whole are in a file of their own, which may be missing: those that it has. */
    @Override
    public PeftConfig fit(PeftConfig config, ModelSites base, Map<String, List<Long>> shapes) {
        TransformerSites model = TransformerSites.require(base, peftType());
        List<String> modules = shapes.keySet().stream()
                .filter(n -> n.endsWith(WEIGHT) && model.tensorNames().contains(n))
                .map(n -> n.substring(0, n.length() - WEIGHT.length()))
                .sorted()
                .toList();
        return PeftMethod.require(BottleneckConfig.class, config).withModulesToSave(modules);
    }

    @Override
    public Adapter create(PeftConfig config, ModelSites base, long seed) {
        TransformerSites model = TransformerSites.require(base, peftType());
        return new BottleneckAdapter(PeftMethod.require(BottleneckConfig.class, config), model, seed);
    }
}
