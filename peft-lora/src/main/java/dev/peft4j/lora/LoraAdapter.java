package dev.peft4j.lora;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.LinearSite;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** LoRA at the chosen layers of a model, and the base tensors that are trained beside it: biases and whole modules. */
final class LoraAdapter implements Adapter {
    private final LoraConfig config;
    private final Backend backend;
    private final Map<String, LoraLayer> layers = new LinkedHashMap<>();
    private final Map<String, Parameter> replacements = new LinkedHashMap<>();
    private final Map<String, Tensor> alsoSaved = new LinkedHashMap<>();

    LoraAdapter(LoraConfig config, ModelSites model, long seed) {
        this.config = config;
        this.backend = model.backend();
        RandomGenerator random = new SplittableRandom(seed);
        for (LinearSite site : config.sites(model)) {
            layers.put(site.name(), layer(site, model, random));
        }
        for (String module : config.wholeModules(model)) {
            copyModule(module, model);
        }
        if (config.bias() != LoraConfig.Bias.NONE) {
            copyBiases(model);
        }
    }

    private LoraLayer layer(LinearSite site, ModelSites model, RandomGenerator random) {
        if (config.dora()) {
            return new DoraLayer(config, site, model, random);
        }
        return config.loraBias()
                ? new LoraBias(config, site, backend, random)
                : new LoraLayer(config, site, backend, random);
    }

    private void copyModule(String module, ModelSites model) {
        boolean found = false;
        for (String name : model.tensorNames()) {
            if (LoraConfig.isUnder(module, name)) {
                replace(name, name, model);
                found = true;
            }
        }
        if (!found) {
            throw new IllegalArgumentException(
                    "modules_to_save [" + module + "] matches no module with tensors of this " + model.modelType()
                            + " model. A head that is tied to the embedding is not one; name the embedding.");
        }
    }

    private void copyBiases(ModelSites model) {
        for (String name : model.tensorNames()) {
            if (!name.endsWith(".bias")) {
                continue;
            }
            String module = name.substring(0, name.length() - ".bias".length());
            boolean targeted = layers.containsKey(module);
            if (replacements.containsKey(name)) {
                if (config.bias() == LoraConfig.Bias.ALL && model.taskModules().contains(module)) {
                    // PEFT writes the bias of a head under three names
                    alsoSaved.put(
                            module + ".modules_to_save.bias",
                            replacements.get(name).value());
                    alsoSaved.put(module + ".original_module.bias", model.tensor(name));
                }
            } else if (targeted) {
                replace(name, module + ".base_layer.bias", model);
            } else if (config.bias() == LoraConfig.Bias.ALL) {
                replace(name, name, model);
            }
        }
    }

    private void replace(String tensor, String savedName, ModelSites model) {
        Tensor copy = model.tensor(tensor).copy(backend.dtype());
        replacements.put(tensor, new Parameter(savedName, copy, model.shape(tensor)));
    }

    @Override
    public PeftConfig config() {
        return config;
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> all = new ArrayList<>();
        layers.values().forEach(l -> all.addAll(l.parameters()));
        all.addAll(replacements.values());
        return all;
    }

    @Override
    public Map<String, Tensor> alsoSaved() {
        return alsoSaved;
    }

    @Override
    public @Nullable Parameter replacement(String tensorName) {
        return replacements.get(tensorName);
    }

    @Override
    public void linear(Call call, LinearSite site, Node x, Node y) {
        LoraLayer layer = layers.get(site.name());
        if (layer != null) {
            layer.forward(call, x, y);
        }
    }

    @Override
    public boolean actsAt(LinearSite site) {
        return layers.containsKey(site.name());
    }

    @Override
    public void mergeInto(LinearSite site, Tensor weight) {
        LoraLayer layer = layers.get(site.name());
        if (layer != null) {
            layer.mergeInto(backend, weight);
        }
    }

    @Override
    public void mergeIntoBias(LinearSite site, Tensor bias) {
        if (layers.get(site.name()) instanceof LoraBias layer) {
            layer.mergeIntoBias(backend, bias);
        }
    }

    @Override
    public boolean changesBias() {
        return config.loraBias();
    }

    @Override
    public void close() {
        parameters().forEach(Parameter::close);
    }
}
