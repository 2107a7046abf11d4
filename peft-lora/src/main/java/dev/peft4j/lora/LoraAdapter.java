package dev.peft4j.lora;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.ConvUpdate;
import dev.peft4j.core.adapter.LayeredAdapter;
import dev.peft4j.core.adapter.LinearUpdate;
import dev.peft4j.core.adapter.TokenRows;
import dev.peft4j.core.adapter.WeightTying;
import dev.peft4j.core.adapter.WholeModules;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.ConvSite;
import dev.peft4j.core.site.EmbeddingSite;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.Site;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
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
            } else if (site instanceof ConvSite convolution) {
                add(convolution, newLayer(convolution, model, random));
            }
        }
        WeightTying tying = config.tying(model);
        tying.sharedHead(model).ifPresent(head -> shareWith(head, model));
        WholeModules whole = config.attachmentFor(model).whole(model);
        trainModules(whole);
        if (tying.headFollows(model)) {
            tieHeads();
        }
        trainBiases(model);
        if (!config.attachment().read()) {
            config.trainableTokens().values().forEach(TokenRows::requireDistinct);
        }
        trainTokens(config.tokenTables(model), whole);
    }

    @Override
    protected Optional<String> dropoutName() {
        return Optional.of(".lora_dropout");
    }

    /** A layer whose base weight is in the file computes with that one. */
    @Override
    public void afterLoading() {
        config.tying(model()).sharedHead(model()).ifPresent(this::copyToTable);
        for (LinearSite site : model().linearSites()) {
            if (updates().get(site.name()) instanceof LoraLayer layer) {
                String weight = site.name() + ".weight";
                if (replacement(weight) != null) {
                    layer.useBase(baseWeight(weight), backend());
                }
            }
        }
        for (EmbeddingSite site : model().embeddingSites()) {
            String weight = site.name() + ".weight";
            if (replacement(weight) != null && embedding(site.name()) instanceof EmbeddingDora layer) {
                layer.useBase(baseWeight(weight), backend());
            }
        }
        convolutions().forEach((name, update) -> {
            String weight = name + ".weight";
            if (replacement(weight) != null && update instanceof ConvDora layer) {
                layer.useBase(baseWeight(weight), backend());
            }
        });
    }

    /** In PEFT, a head and its embedding share what the file has for the head. */
    private void copyToTable(LinearSite head) {
        EmbeddingSite table = model().embeddingSites().get(0);
        if (updates().get(head.name()) instanceof DoraLayer from
                && embedding(table.name()) instanceof EmbeddingDora to) {
            int[] ranks = IntStream.range(0, from.a.value().rows()).toArray();
            backend().kernels().scatterColumns(ranks, from.a.value(), to.b.value()); // Aᵀ
            backend().kernels().gatherColumns(ranks, from.b.value(), to.a.value()); // Bᵀ
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

    private ConvUpdate newLayer(ConvSite site, ModelSites model, RandomGenerator random) {
        if (config.dora()) {
            return new ConvDora(config, site, model, random);
        }
        return config.loraBias()
                ? new ConvLoraBias(config, site, model, random)
                : new ConvLora(config, site, model, random);
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
                if (all) {
                    alsoSaveBias(name, replaced, model);
                }
            } else if (all || updates().containsKey(module) || convolutions().containsKey(module)) {
                trainBias(name);
            }
        }
        if (all) {
            alsoSaveTiedBiases(model);
        }
    }

    /** PEFT writes the bias of an output layer under its own name too where that is tied to one beside it. */
    private void alsoSaveTiedBiases(ModelSites model) {
        for (LinearSite head : model.linearSites()) {
            String own = head.name() + ".bias";
            Parameter trained = replacement(model.biasName(head));
            if (trained != null && !model.biasName(head).equals(own)) {
                alsoSave(own, trained);
            }
        }
    }

    /**
     * PEFT writes the biases of modules that are trained whole under three names, and takes its own name of an adapter out of them where that is the last but
     * one part.
     */
    private void alsoSaveBias(String name, Parameter replaced, ModelSites model) {
        List<String> whole = config.attachment().wholeModules(model);
        for (int dot = name.indexOf('.'); dot > 0; dot = name.indexOf('.', dot + 1)) {
            String module = name.substring(0, dot);
            if (whole.stream().anyMatch(module::endsWith)) {
                String inside = name.substring(dot);
                String adapter = inside.equals(".bias") ? "" : ".default";
                alsoSave(module + ".modules_to_save" + adapter + inside, replaced);
                alsoSave(module + ".original_module" + inside, model.vector(name));
                return;
            }
        }
    }

    /** PEFT writes what head and embedding share a second time, turned round. */
    private void shareWith(LinearSite head, ModelSites model) {
        if (config.dora() && config.attachment().read()) {
            add(
                    head,
                    new DoraLayer(config, head, model, new SplittableRandom(0))); // of its own, as it is not trained on
            return;
        }
        if (config.dora()) {
            throw new BadInputException("ensure_weight_tying was given with use_dora for an embedding and its head;"
                    + " lengths of the rows of one are those of columns of the other. Choose one of the two.");
        }
        if (embedding(model.embeddingSites().get(0).name()) instanceof EmbeddingLora shared) {
            add(head, new TiedHeadLora(shared, config.scaling(head), config.dropout()));
            alsoSaveTransposed(head.name() + ".lora_A.weight", shared.b);
            alsoSaveTransposed(head.name() + ".lora_B.weight", shared.a);
        }
    }

    /** PiSSA and OLoRA as plain LoRA of twice the rank: {@code B A - B₀ A₀ = [B, -B₀] [A; A₀]}. */
    @Override
    public Adapter forSaving(ModelSites model) {
        if (!config.init().isTakenFromBase()) {
            return this;
        }
        LoraAdapter plain = PlainLora.of(this, config, model);
        plain.takeBaseOf(this);
        return plain;
    }

    @Override
    protected void free() {
        super.free();
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
            return embedding(site.name()) instanceof EmbeddingLora e ? e.factors(backend()) : null;
        }
        return updates().get(site.name()) instanceof LoraLayer l ? l.factors(backend()) : null;
    }

    /** Sets what is trained at a layer. */
    void store(Site site, double[] a, double[] b, double @Nullable [] lengths, double @Nullable [] bias) {
        if (site instanceof EmbeddingSite) {
            if (embedding(site.name()) instanceof EmbeddingLora e) {
                e.store(backend(), a, b, lengths);
            }
        } else if (updates().get(site.name()) instanceof LoraLayer l) {
            l.store(backend(), a, b, lengths, bias);
        }
    }
}
