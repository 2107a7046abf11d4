package dev.peft4j.lora;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.EmbeddingSite;
import dev.peft4j.core.adapter.LayeredAdapter;
import dev.peft4j.core.adapter.LinearSite;
import dev.peft4j.core.adapter.LinearUpdate;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.Site;
import dev.peft4j.core.adapter.TokenRows;
import dev.peft4j.core.autograd.Parameter;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** LoRA at the chosen layers of a model, and the base tensors that are trained beside it: biases, whole modules, rows of the embedding. */
final class LoraAdapter extends LayeredAdapter {
    private final LoraConfig config;

    LoraAdapter(LoraConfig config, ModelSites model, long seed) {
        super(config, model);
        this.config = config;
        RandomGenerator random = new SplittableRandom(seed);
        build(() -> addParts(model, random));
    }

    private void addParts(ModelSites model, RandomGenerator random) {
        for (Site site : config.sites(model)) {
            if (site instanceof LinearSite linear) {
                add(linear, newLayer(linear, model, random));
            } else if (site instanceof EmbeddingSite embedding) {
                add(
                        embedding,
                        config.dora()
                                ? new EmbeddingDora(config, embedding, model, random)
                                : new EmbeddingLora(config, embedding, model, random));
            }
        }
        trainModules(config.attachment().wholeModules(model));
        trainBiases(model);
        if (!config.trainableTokens().isEmpty()) {
            addTokens(model);
        }
    }

    private LinearUpdate newLayer(LinearSite site, ModelSites model, RandomGenerator random) {
        if (config.dora()) {
            return new DoraLayer(config, site, model, random);
        }
        if (config.loraBias()) {
            return new LoraBias(config, site, model, random);
        }
        return config.init().isTakenFromBase()
                ? new ResidualLora(config, site, model, random)
                : new LoraLayer(config, site, model, random);
    }

    private void trainBiases(ModelSites model) {
        if (config.bias() == LoraConfig.Bias.NONE) {
            return;
        }
        boolean all = config.bias() == LoraConfig.Bias.ALL;
        for (String name : model.tensorNames()) {
            if (!name.endsWith(".bias")) {
                continue;
            }
            String module = name.substring(0, name.length() - ".bias".length());
            Parameter replaced = replacement(name);
            if (replaced != null) {
                if (all && model.taskModules().contains(module)) {
                    // PEFT writes the bias of a head under three names
                    alsoSave(module + ".modules_to_save.bias", replaced.value());
                    alsoSave(module + ".original_module.bias", model.tensor(name));
                }
            } else if (updates().containsKey(module)) {
                train(name, module + ".base_layer.bias");
            } else if (all) {
                train(name, name);
            }
        }
    }

    private void addTokens(ModelSites model) {
        EmbeddingSite site = model.embeddingSites().get(0);
        boolean taken = actsAt(site)
                || config.attachment().wholeModules(model).stream().anyMatch(m -> Attachment.isUnder(m, site.name()));
        if (taken) {
            throw new IllegalArgumentException("trainable_token_indices " + config.trainableTokens()
                    + " were given, and the embedding " + site.name()
                    + " is trained already, by LoRA or as a whole. Choose one of them.");
        }
        add(new TokenRows(
                model, site, config.trainableTokens(), site.name() + ".token_adapter.trainable_tokens_delta"));
    }

    /** PiSSA and OLoRA as plain LoRA of twice the rank: {@code B A - B₀ A₀ = [B, -B₀] [A; A₀]}. */
    @Override
    public Adapter forSaving(ModelSites model) {
        return config.init().isTakenFromBase() ? PlainLora.of(this, config, model) : this;
    }

    @Override
    public void close() {
        super.close();
        for (LinearUpdate update : updates().values()) {
            if (update instanceof ResidualLora residual) {
                residual.closeStart();
            }
        }
    }

    @Nullable
    LinearUpdate layer(LinearSite site) {
        return updates().get(site.name());
    }

    @Override
    public LoraConfig config() {
        return config;
    }

    /** The update of a layer as numbers, or null if LoRA is not attached to it. */
    @Nullable
    Factors factors(Site site) {
        if (site instanceof EmbeddingSite) {
            return embedding(site) instanceof EmbeddingLora e ? e.factors(backend()) : null;
        }
        return updates().get(site.name()) instanceof LoraLayer l ? l.factors(backend()) : null;
    }

    /** Sets what is trained at a layer. */
    void store(Site site, double[] a, double[] b, double @Nullable [] lengths, double @Nullable [] bias) {
        if (site instanceof EmbeddingSite) {
            if (embedding(site) instanceof EmbeddingLora e) {
                e.store(backend(), a, b, lengths);
            }
        } else if (updates().get(site.name()) instanceof LoraLayer l) {
            l.store(backend(), a, b, lengths, bias);
        }
    }
}
