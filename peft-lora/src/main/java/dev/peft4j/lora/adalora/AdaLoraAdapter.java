package dev.peft4j.lora.adalora;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.LayeredAdapter;
import dev.peft4j.core.adapter.WholeModules;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * AdaLoRA at the chosen layers. It takes part in training: a term of the loss keeps A and B orthogonal, and after each step ranks may be cut, which sets
 * their E to zero.
 *
 * <p>Files hold all ranks, those that were cut with zeros, so that every version of PEFT reads them without a warning; PEFT's own files may hold the
 * kept ones only. An adapter that was read keeps its ranks while it trains on.
 */
final class AdaLoraAdapter extends LayeredAdapter {
    private final Map<String, AdaLoraLayer> layers = new LinkedHashMap<>();
    private AdaLoraConfig config;
    private RankAllocator allocator;
    private boolean fixed; // no ranks are cut any more

    AdaLoraAdapter(AdaLoraConfig config, ModelSites model, long seed) {
        super(config, model);
        this.config = config;
        RandomGenerator random = new SplittableRandom(seed);
        allocator = new RankAllocator(config.schedule(), layers);
        build(() -> {
            for (LinearSite site : config.sites(model)) {
                AdaLoraLayer layer = new AdaLoraLayer(config, site, model.backend(), random);
                layers.put(site.name(), layer);
                add(site, layer);
            }
            WholeModules whole = config.attachmentFor(model).whole(model);
            trainModules(whole);
            if (config.tying(model).headFollows(model)) {
                tieHeads();
            }
            trainTokens(config.tokenTables(model), whole);
        });
        fixed = !config.kept().isEmpty();
    }

    @Override
    protected Optional<String> dropoutName() {
        return Optional.of(".lora_dropout");
    }

    @Override
    public AdaLoraConfig config() {
        return config;
    }

    /** Ranks without an E were cut before the file was written, unless none has one: then it is new. */
    @Override
    public void afterLoading() {
        boolean some = layers.values().stream().anyMatch(l -> zeros(l) < l.rank());
        boolean notAll = layers.values().stream().anyMatch(l -> zeros(l) > 0);
        if (some && notAll) {
            allocator.keepNonZero();
            fixed = true;
        }
    }

    private static long zeros(AdaLoraLayer layer) {
        return Arrays.stream(layer.e.value().toDoubles()).filter(e -> e == 0).count();
    }

    @Override
    public void beforeTraining(int steps) {
        RankSchedule schedule = config.schedule();
        if (!fixed && schedule.totalSteps() == 0) {
            config = config.with(Map.of(), schedule.withTotalSteps(steps));
            allocator.close();
            allocator = new RankAllocator(config.schedule(), layers);
        }
    }

    @Override
    public Map<String, Tensor> trainingState() {
        return allocator.state();
    }

    @Override
    protected void free() {
        super.free();
        allocator.close();
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
        if (fixed || schedule.totalSteps() == 0 || step > schedule.lastCut()) {
            allocator.apply();
            return;
        }
        if (step < schedule.lastCut()) {
            allocator.observe(backend);
        }
        if (schedule.cutsAfter(step)) {
            allocator.cut(backend, schedule.budget(step, layers.size()));
        }
    }

    /** With all ranks, where a file of PEFT had the kept ones only. */
    @Override
    public Adapter forSaving(ModelSites model) {
        if (config.kept().isEmpty()) {
            return this;
        }
        AdaLoraAdapter whole = new AdaLoraAdapter(config.with(Map.of(), config.schedule()), model, 0);
        Map<String, Tensor> values = new HashMap<>();
        parameters().forEach(p -> values.put(p.name(), p.value()));
        for (Parameter p : whole.parameters()) {
            Tensor from = values.get(p.name());
            if (from != null
                    && from.rows() == p.value().rows()
                    && from.cols() == p.value().cols()) {
                p.value().copyFrom(from);
            }
        }
        config.kept().forEach((name, mask) -> spread(mask, layers.get(name), whole.layers.get(name)));
        whole.takeBaseOf(this);
        return whole;
    }

    private static void spread(List<Boolean> mask, @Nullable AdaLoraLayer from, @Nullable AdaLoraLayer to) {
        if (from == null || to == null) {
            return;
        }
        to.parameters().forEach(p -> p.value().fill(0));
        int at = 0;
        for (int k = 0; k < Math.min(mask.size(), to.rank()); k++) {
            if (mask.get(k)) {
                to.a.value().rows(k, 1).copyFrom(from.a.value().rows(at, 1));
                to.b.value().columns(k, 1).copyFrom(from.b.value().columns(at, 1));
                to.e.value().columns(k, 1).copyFrom(from.e.value().columns(at++, 1));
            }
        }
    }
}
