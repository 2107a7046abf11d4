package dev.peft4j.adapters.bottleneck;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.LayeredAdapter;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.site.BlockSite;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.TransformerSites;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** Bottlenecks at the chosen places, and the modules that the task trains whole. */
final class BottleneckAdapter extends LayeredAdapter {
    private final Map<BlockSite, BottleneckLayer> layers = new LinkedHashMap<>();
    private final Set<String> names = new HashSet<>(); // of the parameters of bottlenecks

    BottleneckAdapter(BottleneckConfig config, TransformerSites model, long seed) {
        super(config, model);
        RandomGenerator random = new SplittableRandom(seed);
        build(() -> {
            for (BlockSite site : config.sites(model)) {
                String name = place(model, site) + ".adapters." + config.name();
                BottleneckLayer layer = new BottleneckLayer(config, site, name, model.backend(), random);
                layers.put(site, layer);
                layer.parameters().forEach(p -> names.add(p.name()));
            }
            trainModules(config.whole(model));
        });
    }

    /** The module that holds the adapters of a place in AdapterHub's models. */
    private static String place(TransformerSites model, BlockSite site) {
        boolean attention = site.kind() == BlockSite.Kind.AFTER_ATTENTION;
        FamilyTraits traits = model.traits();
        return site.name() + (attention ? traits.attentionAdapters() : traits.outputAdapters());
    }

    @Override
    public Node subLayer(Call call, BlockSite site, Node y, Node residual, Norm norm) {
        BottleneckLayer layer = layers.get(site);
        return layer == null ? y : layer.forward(call, y, residual, norm);
    }

    @Override
    public boolean isMergeable() {
        return false;
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> all = new ArrayList<>();
        layers.values().forEach(l -> all.addAll(l.parameters()));
        all.addAll(super.parameters());
        return all;
    }

    /** AdapterHub's names have none. */
    @Override
    public String prefix() {
        return "";
    }

    @Override
    public String tensorFile(Parameter parameter) {
        return names.contains(parameter.name()) ? "adapter.safetensors" : "model_head.safetensors";
    }
}
