package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An adapter that is made of updates of single layers and of base tensors that are trained as copies: classifiers, biases, norms, rows
 * of embeddings. A method fills one in its constructor or by the {@code add} methods.
 */
public class LayeredAdapter implements Adapter {
    private final PeftConfig config;
    private final ModelSites model;
    private final Map<String, LinearUpdate> linear = new LinkedHashMap<>();
    private final Map<String, EmbeddingUpdate> embeddings = new LinkedHashMap<>();
    private final Map<String, Parameter> replacements = new LinkedHashMap<>();
    private final Map<String, Tensor> alsoSaved = new LinkedHashMap<>();
    private @Nullable TokenRows tokens;

    /** An adapter that does nothing yet. */
    public LayeredAdapter(PeftConfig config, ModelSites model) {
        this.config = config;
        this.model = model;
    }

    /** Runs what adds the parts; if it fails, the memory of those that are there is freed. */
    public final void build(Runnable parts) {
        try {
            parts.run();
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** Adds what is done at a linear layer; the adapter closes its parameters. */
    public final void add(LinearSite site, LinearUpdate update) {
        linear.put(site.name(), update);
    }

    /** Adds what is done at a table of token vectors; the adapter closes its parameters. */
    public final void add(EmbeddingSite site, EmbeddingUpdate update) {
        embeddings.put(site.name(), update);
    }

    /** Adds rows of an embedding that are trained; the adapter closes them. */
    public final void add(TokenRows rows) {
        tokens = rows;
    }

    /**
     * Trains copies of all tensors of some modules.
     *
     * @throws IllegalArgumentException if one of them has no tensors
     */
    public final void trainModules(List<String> modules) {
        for (String module : modules) {
            boolean found = false;
            for (String name : model.tensorNames()) {
                if (Attachment.isUnder(module, name)) {
                    found = true;
                    if (!replacements.containsKey(name)) {
                        train(name, name);
                    }
                }
            }
            if (!found) {
                throw new IllegalArgumentException(
                        "modules_to_save [" + module + "] matches no module with tensors of this " + model.modelType()
                                + " model. A head that is tied to the embedding is not one; name the embedding.");
            }
        }
    }

    /** Trains a copy of a base tensor, which is saved under another name. */
    public final void train(String tensor, String savedName) {
        Tensor copy = model.tensor(tensor).copy(model.backend().dtype());
        replacements.put(tensor, new Parameter(savedName, copy, model.shape(tensor)));
    }

    /** Has a tensor written besides the parameters. */
    public final void alsoSave(String name, Tensor tensor) {
        alsoSaved.put(name, tensor);
    }

    /** What is done at linear layers, by their names. */
    protected final Map<String, LinearUpdate> updates() {
        return linear;
    }

    /** What is done at a table of token vectors, or null. */
    protected final @Nullable EmbeddingUpdate embedding(Site site) {
        return embeddings.get(site.name());
    }

    /** The model that it was made for. */
    protected final ModelSites model() {
        return model;
    }

    @Override
    public PeftConfig config() {
        return config;
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> all = new ArrayList<>();
        embeddings.values().forEach(e -> all.addAll(e.parameters()));
        linear.values().forEach(l -> all.addAll(l.parameters()));
        if (tokens != null) {
            all.add(tokens.parameter());
        }
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
    public boolean changesInput(LinearSite site) {
        LinearUpdate update = linear.get(site.name());
        return update != null && update.changesInput();
    }

    @Override
    public Node linearInput(Call call, LinearSite site, Node x) {
        LinearUpdate update = linear.get(site.name());
        return update == null ? x : update.input(call, x);
    }

    @Override
    public void linear(Call call, LinearSite site, Node x, Node y) {
        LinearUpdate update = linear.get(site.name());
        if (update != null) {
            update.forward(call, x, y);
        }
        if (tokens != null && tokens.isTiedTo(site)) {
            tokens.head(call, x, y);
        }
    }

    @Override
    public void embedding(Call call, EmbeddingSite site, int[] ids, Node y) {
        EmbeddingUpdate update = embeddings.get(site.name());
        if (update != null) {
            update.forward(call, ids, y);
        }
        if (tokens != null && tokens.isAt(site)) {
            tokens.lookUp(call, ids, y);
        }
    }

    @Override
    public boolean actsAt(Site site) {
        return linear.containsKey(site.name())
                || embeddings.containsKey(site.name())
                || (tokens != null && site instanceof EmbeddingSite e && tokens.isAt(e))
                || (tokens != null && site instanceof LinearSite l && tokens.isTiedTo(l));
    }

    @Override
    public void mergeInto(LinearSite site, Tensor weight) {
        LinearUpdate update = linear.get(site.name());
        if (update != null) {
            update.mergeInto(model.backend(), weight);
        }
        if (tokens != null && tokens.isTiedTo(site)) {
            tokens.mergeInto(weight);
        }
    }

    @Override
    public void mergeInto(EmbeddingSite site, Tensor table) {
        EmbeddingUpdate update = embeddings.get(site.name());
        if (update != null) {
            update.mergeInto(model.backend(), table);
        }
        if (tokens != null && tokens.isAt(site)) {
            tokens.mergeInto(table);
        }
    }

    @Override
    public boolean changesBias(LinearSite site) {
        LinearUpdate update = linear.get(site.name());
        return update != null && update.changesBias();
    }

    @Override
    public boolean needsBias(LinearSite site) {
        LinearUpdate update = linear.get(site.name());
        return update != null && update.needsBias();
    }

    @Override
    public void mergeIntoBias(LinearSite site, Tensor bias) {
        LinearUpdate update = linear.get(site.name());
        if (update != null) {
            update.mergeIntoBias(model.backend(), bias);
        }
    }

    /** The tokens of the embedding whose rows it trains; none if it trains none. */
    @Override
    public int[] trainedTokens() {
        return tokens == null ? new int[0] : tokens.tokens();
    }

    @Override
    public void close() {
        parameters().forEach(Parameter::close);
    }

    /** Backend of the model. */
    protected final Backend backend() {
        return model.backend();
    }
}
