package dev.peft4j.lora;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.autograd.Lease;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.tensor.Decompositions;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.FrozenWeight;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Plain LoRA out of an adapter of any method that changes weights, for servers that know LoRA only: the singular value decomposition of each change
 * {@code ΔW = merged - W}.
 */
public final class LoraConversion {
    private LoraConversion() {}

    /** With the largest {@code rank} singular values of each layer. */
    public static LoraCombination.Result byRank(ModelSites model, Adapter adapter, int rank) {
        if (rank < 1) {
            throw new BadInputException("a LoRA of rank " + rank + " was asked for; a rank is at least 1.");
        }
        Lease.Use held = Lease.all(model, List.of(adapter));
        try (held) {
            return convert(model, adapter, rank, 1);
        }
    }

    /** With as many singular values of each layer as make up a share of the sum of their squares. */
    public static LoraCombination.Result byEnergy(ModelSites model, Adapter adapter, double energy) {
        if (!(energy > 0 && energy <= 1)) {
            throw new BadInputException(
                    "an energy of " + energy + " was asked for; it is a share above 0 and up to 1. 0.99 is usual.");
        }
        Lease.Use held = Lease.all(model, List.of(adapter));
        try (held) {
            return convert(model, adapter, 0, energy);
        }
    }

    private static LoraCombination.Result convert(ModelSites model, Adapter adapter, int rank, double energy) {
        if (!adapter.isMergeable()) {
            throw new BadInputException(
                    "an adapter of the method " + adapter.config().peftType()
                            + " was to be converted to LoRA; what it does is no change of weights.");
        }
        Map<LinearSite, Decompositions.Svd> decompositions = new LinkedHashMap<>();
        Map<String, Integer> ranks = new LinkedHashMap<>();
        for (LinearSite site : model.linearSites()) {
            if (!adapter.actsAt(site)) {
                continue;
            }
            StoppedException.ifInterrupted("an adapter was to be converted to LoRA");
            if (adapter.changesBias(site) && model.tensorNames().contains(site.name() + ".bias")) {
                throw new BadInputException("the adapter changes the bias of " + site.name()
                        + ", which plain LoRA cannot. Merge it into a model instead.");
            }
            Decompositions.Svd svd = Decompositions.svd(delta(model, adapter, site), site.out(), site.in());
            decompositions.put(site, svd);
            ranks.put(site.name(), rank > 0 ? Math.min(rank, svd.size()) : svd.rankOf(energy));
        }
        boolean elsewhere = model.embeddingSites().stream().anyMatch(adapter::actsAt)
                || model.convSites().stream().anyMatch(adapter::actsAt);
        if (decompositions.isEmpty() || elsewhere) {
            throw new BadInputException("an adapter that acts at " + decompositions.size()
                    + " linear layers" + (elsewhere ? " and at embeddings or convolutions" : "")
                    + " was to be converted to LoRA; it has to act at linear layers only.");
        }
        int largest = ranks.values().stream().mapToInt(r -> r).max().orElse(1);
        Map<String, Double> alphas = new LinkedHashMap<>();
        ranks.forEach((name, r) -> alphas.put(name, (double) r)); // s = 1
        LoraConfig config = LoraConfig.of(largest, largest).toBuilder()
                .attachment(Attachment.to(TargetModules.of(List.copyOf(ranks.keySet())))
                        .withModulesToSave(modules(model, adapter)))
                .rankPattern(ranks)
                .alphaPattern(alphas)
                .build();
        LoraAdapter result = new LoraAdapter(config, model, 0);
        double error = 0;
        double size = 0;
        for (Map.Entry<LinearSite, Decompositions.Svd> e : decompositions.entrySet()) {
            Decompositions.Svd svd = e.getValue();
            int r = ranks.getOrDefault(e.getKey().name(), 1);
            if (result.layer(e.getKey()) instanceof LoraLayer layer) {
                new LoraFactors(layer.a.value(), layer.b.value()).fill(svd, 1);
            }
            for (int k = 0; k < svd.size(); k++) {
                size += svd.s()[k] * svd.s()[k];
                error += k < r ? 0 : svd.s()[k] * svd.s()[k];
            }
        }
        for (String name : model.tensorNames()) {
            Parameter from = adapter.replacement(name);
            Parameter to = result.replacement(name);
            if (from != null && to != null) {
                to.value().copyFrom(from.value());
            }
        }
        return new LoraCombination.Result(result, size == 0 ? 0 : Math.sqrt(error / size));
    }

    private static double[] delta(ModelSites model, Adapter adapter, LinearSite site) {
        FrozenWeight weight = model.weight(model.weightName(site));
        try (Tensor merged = weight.copy(model.backend().dtype())) {
            adapter.mergeInto(site, merged);
            double[] delta = merged.toDoubles();
            double[] base = weight.toDoubles();
            for (int i = 0; i < delta.length; i++) {
                delta[i] -= base[i];
            }
            return delta;
        }
    }

    /** The modules whose tensors the adapter has copies of. */
    private static List<String> modules(ModelSites model, Adapter adapter) {
        return model.tensorNames().stream()
                .filter(n -> adapter.replacement(n) != null)
                .map(n -> n.substring(0, n.lastIndexOf('.')))
                .distinct()
                .toList();
    }
}
