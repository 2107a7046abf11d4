package dev.peft4j.lora.adalora;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.LayeredAdapter;
import dev.peft4j.core.adapter.LinearSite;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * AdaLoRA at the chosen layers. It takes part in training: a term of the loss keeps A and B orthogonal, and after each step ranks may be cut. A file
 * holds the ranks that were kept; an adapter that was read from such a file keeps them while it trains on.
 */
final class AdaLoraAdapter extends LayeredAdapter {
    private final Map<String, AdaLoraLayer> layers = new LinkedHashMap<>();
    private AdaLoraConfig config;
    private @Nullable RankAllocator allocator; // while ranks can be cut

    AdaLoraAdapter(AdaLoraConfig config, ModelSites model, long seed) {
        super(config, model);
        this.config = config;
        RandomGenerator random = new SplittableRandom(seed);
        for (LinearSite site : config.sites(model)) {
            AdaLoraLayer layer = new AdaLoraLayer(config, site, model.backend(), random);
            layers.put(site.name(), layer);
            add(site, layer);
        }
        trainModules(config.attachment().wholeModules(model));
        if (config.kept().isEmpty()) {
            allocator = new RankAllocator(config.schedule(), layers);
        }
    }

    @Override
    public AdaLoraConfig config() {
        return config;
    }

    @Override
    public void beforeTraining(int steps) {
        RankSchedule schedule = config.schedule();
        if (allocator != null && schedule.totalSteps() == 0) {
            config = config.withKept(Map.of(), schedule.withTotalSteps(steps));
            allocator = new RankAllocator(config.schedule(), layers);
        }
    }

    @Override
    public double addPenalty(Pass pass) {
        int matrices = 2 * layers.size();
        double sum = 0;
        for (AdaLoraLayer layer : layers.values()) {
            sum += layer.addPenalty(pass, config.orthogonality() / matrices);
        }
        return sum;
    }

    @Override
    public void afterStep(Backend backend, int step) {
        RankSchedule schedule = config.schedule();
        RankAllocator ranks = allocator;
        if (ranks == null || schedule.totalSteps() == 0) {
            return;
        }
        if (step > schedule.lastCut()) {
            ranks.apply(config.kept());
            return;
        }
        if (step < schedule.lastCut()) {
            ranks.observe();
        }
        if (schedule.cutsAfter(step)) {
            config = config.withKept(ranks.cut(schedule.budget(step, layers.size())), schedule);
        }
    }

    /** Without the ranks that were cut. */
    @Override
    public Adapter forSaving(ModelSites model) {
        if (config.kept().isEmpty() || allocator == null) {
            return this;
        }
        AdaLoraAdapter sliced = new AdaLoraAdapter(config, model, 0);
        Map<String, Tensor> whole = new HashMap<>();
        parameters().forEach(p -> whole.put(p.name(), p.value()));
        for (Parameter p : sliced.parameters()) {
            Tensor from = whole.get(p.name());
            if (from != null
                    && from.rows() == p.value().rows()
                    && from.cols() == p.value().cols()) {
                p.value().copyFrom(from);
            }
        }
        config.kept().forEach((name, mask) -> slice(mask, layers.get(name), sliced.layers.get(name)));
        return sliced;
    }

    private static void slice(List<Boolean> mask, @Nullable AdaLoraLayer from, @Nullable AdaLoraLayer to) {
        if (from == null || to == null) {
            return;
        }
        int at = 0;
        for (int k = 0; k < mask.size(); k++) {
            if (mask.get(k)) {
                to.a.value().rows(at, 1).copyFrom(from.a.value().rows(k, 1));
                to.b.value().columns(at, 1).copyFrom(from.b.value().columns(k, 1));
                to.e.value().set(0, at++, from.e.value().get(0, k));
            }
        }
    }
}
