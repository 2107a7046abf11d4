package dev.peft4j.lora;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.OtherFields;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.adapter.WholeModules;
import dev.peft4j.core.autograd.Lease;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.Site;
import dev.peft4j.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One LoRA adapter out of several: {@code ΔW = Σ wᵢ ΔWᵢ}. {@code CAT} and {@code SVD} are exact (SVD as far as the rank allows) for rsLoRA, DoRA and biases
 * of B too; the other rules are approximate, and the error of every result is measured.
 */
public final class LoraCombination {
    private LoraCombination() {}

    /**
     * What came out.
     *
     * @param adapter the new adapter; the caller closes it
     * @param relativeError 2-norm of the difference to the exact weighted sum over the 2-norm of that sum, over all layers; 0 if the sum is zero
     */
    public record Result(Adapter adapter, double relativeError) {}

    /**
     * Combines adapters.
     *
     * @param adapters LoRA adapters of the model
     * @param weights one for each
     * @throws BadInputException if one is no LoRA adapter, the numbers differ, two train a copy of the same module, or the rule needs equal ranks or layers
     */
    public static Result combine(
            ModelSites model, List<? extends Adapter> adapters, double[] weights, Combination combination) {
        if (adapters.isEmpty() || adapters.size() != weights.length) {
            throw new BadInputException(adapters.size() + " adapters and " + weights.length
                    + " weights were given; give at least one adapter, and a weight for each.");
        }
        for (double w : weights) {
            if (!Double.isFinite(w)) {
                throw new BadInputException("the weight " + w + " was given; weights are finite numbers.");
            }
        }
        List<LoraAdapter> all = new ArrayList<>();
        for (Adapter a : adapters) {
            if (!(a instanceof LoraAdapter lora)) {
                throw new BadInputException(
                        "an adapter of the method " + a.config().peftType()
                                + " was to be combined; only LoRA can be. Convert it with LoraConversion first.");
            }
            all.add(lora);
        }
        requireOneOwner(model, all);
        requireNoConvolutions(model, all);
        Lease.Use held = Lease.all(model, all);
        try (held) {
            Map<Site, SiteSum> sums = new LinkedHashMap<>();
            for (Site site : sites(model, all)) {
                StoppedException.ifInterrupted("adapters were to be combined");
                sums.put(site, SiteSum.of(model, site, all, weights, combination));
            }
            return build(model, all, sums);
        }
    }

    /** Copies of whole modules, biases and token rows cannot be added up: one adapter at most may have each. */
    private static void requireOneOwner(ModelSites model, List<LoraAdapter> adapters) {
        for (String name : model.tensorNames()) {
            if (adapters.stream().filter(a -> a.replacement(name) != null).count() > 1) {
                throw new BadInputException(
                        "more than one of the adapters has a trained copy of " + name
                                + " (modules_to_save or bias), which cannot be added up. Combine adapters of which one has it.");
            }
        }
        if (adapters.stream().anyMatch(a -> !a.trainedRows().isEmpty())) {
            throw new BadInputException("an adapter with trainable_token_indices was to be combined; rows of tokens"
                    + " take the place of the base's and cannot be added up. Use the adapters together in one call.");
        }
    }

    /** The updates of linear layers and embeddings are added up. */
    private static void requireNoConvolutions(ModelSites model, List<LoraAdapter> adapters) {
        for (Site site : model.convSites()) {
            if (adapters.stream().anyMatch(a -> a.actsAt(site))) {
                throw new BadInputException(
                        "an adapter that acts at the convolution " + site.name()
                                + " was to be combined; linear layers and embeddings can be. Use the adapters together in one call.");
            }
        }
    }

    /** All layers of any of them, in the order of the model. */
    private static Set<Site> sites(ModelSites model, List<LoraAdapter> adapters) {
        Set<Site> sites = new LinkedHashSet<>();
        List<Site> all = new ArrayList<>(model.embeddingSites());
        all.addAll(model.linearSites());
        for (Site site : all) {
            if (adapters.stream().anyMatch(a -> a.factors(site) != null)) {
                sites.add(site);
            }
        }
        return sites;
    }

    private static Result build(ModelSites model, List<LoraAdapter> adapters, Map<Site, SiteSum> sums) {
        boolean dora = sums.values().stream().anyMatch(s -> s.lengths() != null);
        boolean biased = sums.values().stream().anyMatch(s -> s.bias() != null);
        int largest = sums.values().stream().mapToInt(SiteSum::rank).max().orElse(1);
        Map<String, Integer> ranks = new LinkedHashMap<>();
        Map<String, Double> alphas = new LinkedHashMap<>();
        sums.forEach((site, s) -> {
            ranks.put(site.name(), s.rank());
            alphas.put(site.name(), (double) s.rank()); // s = 1
        });
        LoraConfigBuilder config = LoraConfig.of(largest, largest).toBuilder()
                .attachment(new Attachment(
                        TargetModules.of(List.copyOf(ranks.keySet())),
                        new WholeModules(wholeModules(model, adapters), true),
                        new OtherFields(Map.of(), Map.of(), true)))
                .rankPattern(ranks)
                .alphaPattern(alphas)
                .dora(dora)
                .loraBias(biased)
                .bias(adapters.stream()
                        .map(a -> a.config().bias())
                        .filter(b -> b != LoraConfig.Bias.NONE)
                        .findFirst()
                        .orElse(LoraConfig.Bias.NONE));
        LoraAdapter result = new LoraAdapter(config.build(), model, 0);
        try {
            return new Result(result, store(model, adapters, sums, result));
        } catch (RuntimeException | Error e) {
            result.close();
            throw e;
        }
    }

    /** Writes sums into an adapter, and returns the share of them that was lost. */
    private static double store(
            ModelSites model, List<LoraAdapter> adapters, Map<Site, SiteSum> sums, LoraAdapter result) {
        double error = 0;
        double size = 0;
        for (Map.Entry<Site, SiteSum> e : sums.entrySet()) {
            e.getValue().store(result, e.getKey());
            error += e.getValue().squaredError();
            size += e.getValue().squaredSize();
        }
        for (String name : model.tensorNames()) {
            Parameter to = result.replacement(name);
            for (LoraAdapter a : adapters) {
                Parameter from = a.replacement(name);
                if (from != null) {
                    requireCopy(name, to).value().copyFrom(from.value());
                }
            }
        }
        result.parameters().forEach(p -> requireFinite(p.name(), p.value()));
        return size == 0 ? 0 : Math.sqrt(error / size);
    }

    private static Parameter requireCopy(String name, @Nullable Parameter copy) {
        if (copy == null) {
            throw new BadInputException("an adapter has the base tensor " + name
                    + " in its file, which a combination of adapters has no place for. Merge it into a model instead.");
        }
        return copy;
    }

    private static void requireFinite(String name, Tensor t) {
        if (!t.isFinite()) {
            throw new BadInputException(
                    "the combined tensor " + name + " holds infinity or NaN. Use other weights or adapters.");
        }
    }

    private static List<String> wholeModules(ModelSites model, List<LoraAdapter> adapters) {
        Set<String> modules = new LinkedHashSet<>();
        adapters.forEach(a -> modules.addAll(a.config().attachment().wholeModules(model)));
        return List.copyOf(modules);
    }
}
