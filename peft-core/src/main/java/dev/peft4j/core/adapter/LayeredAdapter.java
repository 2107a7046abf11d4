package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.Lease;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
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
    private final Map<String, Parameter> replacements =
            new LinkedHashMap<>(); // by the names under which tensors are used
    private final Set<Parameter> transposed = new HashSet<>(); // in files
    private final Map<String, Parameter> tied =
            new LinkedHashMap<>(); // heads that share the replacement of an embedding
    private final Map<String, SavedTwin> alsoSaved = new LinkedHashMap<>();
    private final Lease lease;
    private final List<TokenRows> tokens = new ArrayList<>();

    /** An adapter that does nothing yet. */
    public LayeredAdapter(PeftConfig config, ModelSites model) {
        this.config = config;
        this.model = model;
        this.lease = new Lease("an adapter of the method " + config.peftType());
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
        tokens.add(rows);
    }

    /**
     * Trains copies of all tensors of some modules; a head that is tied to an embedding has a copy of its own.
     *
     * @throws IllegalArgumentException if one of them has no tensors, unless it may miss
     */
    public final void trainModules(WholeModules modules) {
        List<String> unmatched = modules.unmatched(model);
        if (!unmatched.isEmpty() && !modules.mayMiss()) {
            throw new IllegalArgumentException("modules_to_save " + unmatched
                    + " matches no module with tensors of this " + model.modelType()
                    + " model (" + model.usedNames().size() + " tensors searched). Name modules that it has, by the"
                    + " ends of their names.");
        }
        for (String name : modules.tensors(model)) {
            if (!replacements.containsKey(name)) {
                train(name, name);
            }
        }
    }

    /** Trains a copy of the base tensor that is used under a name; it is saved under another name. */
    public final void train(String name, String savedName) {
        Tensor copy = model.usedTensor(name).copy(model.backend().dtype());
        Parameter p = new Parameter(savedName, copy, model.shape(model.storedName(name)));
        replacements.put(name, p);
        if (model.isTransposed(model.storedName(name))) {
            transposed.add(p);
        }
    }

    /** Lets the weight of a tied head be the copy of the embedding that this adapter trains, and has it written for both, as PEFT does. */
    public final void tieHeads() {
        for (LinearSite head : model.linearSites()) {
            Parameter table = replacements.get(model.weightName(head));
            if (model.isTied(head) && table != null) {
                tied.put(head.name() + ".weight", table);
                alsoSave(head.name() + ".weight", table.value(), false);
            }
        }
    }

    /**
     * Puts a tensor of a file in the place of the base tensor that is used under a name, where files have base tensors beside what was trained. It is
     * not trained, and a head that is tied to it follows.
     */
    final Tensor replaceBase(String name) {
        String stored = model.storedName(name);
        Parameter known = replacements.get(stored);
        if (known == null) {
            train(stored, name);
            known = Objects.requireNonNull(replacements.get(stored));
            known.setTrainable(false);
            tieHeads();
        }
        return known.value();
    }

    /** Has a tensor written besides the parameters, with rows and columns exchanged or not. */
    public final void alsoSave(String name, Tensor tensor, boolean transposed) {
        alsoSaved.put(name, new SavedTwin(tensor, transposed));
    }

    /** What is done at linear layers, by their names. */
    protected final Map<String, LinearUpdate> updates() {
        return linear;
    }

    /** What is done at a table of token vectors, or null. */
    protected final @Nullable EmbeddingUpdate embedding(String name) {
        return embeddings.get(name);
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
        tokens.forEach(t -> all.add(t.parameter()));
        all.addAll(replacements.values());
        return all;
    }

    @Override
    public Map<String, SavedTwin> alsoSaved() {
        return alsoSaved;
    }

    @Override
    public @Nullable Parameter replacement(String tensorName) {
        Parameter own = replacements.get(tensorName);
        return own == null ? tied.get(tensorName) : own;
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
        for (TokenRows rows : tokens) {
            if (rows.isAt(site)) {
                rows.head(call, x, y);
            }
        }
    }

    @Override
    public void embedding(Call call, EmbeddingSite site, int[] ids, Node y) {
        EmbeddingUpdate update = embeddings.get(site.name());
        if (update != null) {
            update.forward(call, ids, y);
        }
        for (TokenRows rows : tokens) {
            if (rows.isAt(site)) {
                rows.lookUp(call, ids, y);
            }
        }
    }

    @Override
    public boolean actsAt(Site site) {
        return linear.containsKey(site.name())
                || embeddings.containsKey(site.name())
                || tokens.stream().anyMatch(t -> t.isAt(site));
    }

    @Override
    public void mergeInto(LinearSite site, Tensor weight) {
        LinearUpdate update = linear.get(site.name());
        if (update != null) {
            update.mergeInto(model.backend(), weight);
        }
        tokens.stream().filter(t -> t.isAt(site)).forEach(t -> t.mergeInto(weight));
    }

    @Override
    public void mergeInto(EmbeddingSite site, Tensor table) {
        EmbeddingUpdate update = embeddings.get(site.name());
        if (update != null) {
            update.mergeInto(model.backend(), table);
        }
        tokens.stream().filter(t -> t.isAt(site)).forEach(t -> t.mergeInto(table));
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

    @Override
    public final boolean isTransposedInFile(Parameter parameter) {
        return transposed.contains(parameter);
    }

    @Override
    public Map<String, int[]> trainedRows() {
        Map<String, int[]> all = new LinkedHashMap<>();
        tokens.forEach(t -> all.put(t.module(), t.tokens()));
        return all;
    }

    @Override
    public final void use(Pass pass) {
        pass.use(lease);
    }

    @Override
    public final boolean isClosed() {
        return lease.isClosed();
    }

    @Override
    public final void close() {
        lease.close(this::free);
    }

    /** Frees the memory; no pass uses it any more. */
    protected void free() {
        parameters().forEach(Parameter::close);
    }

    /** Backend of the model. */
    protected final Backend backend() {
        return model.backend();
    }
}
