package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.Lease;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.site.ConvSite;
import dev.peft4j.core.site.EmbeddingSite;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.Site;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.DenseWeight;
import dev.peft4j.core.weight.FrozenWeight;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
    private final Map<String, ConvUpdate> convolutions = new LinkedHashMap<>();
    private final BaseCopies copies;
    private final Map<String, Wrapper> wrappers = new HashMap<>(); // by the names of modules
    private final Set<Parameter> optional = new HashSet<>();
    private final Map<String, SavedTwin> alsoSaved = new LinkedHashMap<>();
    private final Lease lease;
    private final List<TokenRows> tokens = new ArrayList<>();

    /** An adapter that does nothing yet. */
    public LayeredAdapter(PeftConfig config, ModelSites model) {
        this.config = config;
        this.model = model;
        this.copies = new BaseCopies(model);
        this.lease = new Lease("an adapter of the method " + config.peftType());
    }

    /** Runs what adds the parts; if it fails, the memory of those that are there is freed. */
    public final void build(Runnable parts) {
        try {
            Lease.Use held = model.hold();
            try (held) {
                parts.run();
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** Adds what is done at a linear layer; the adapter closes its parameters. */
    public final void add(LinearSite site, LinearUpdate update) {
        linear.put(site.name(), update);
        wrappers.put(site.name(), Wrapper.LAYER);
    }

    /** Adds what is done at a convolution; the adapter closes its parameters. */
    public final void add(ConvSite site, ConvUpdate update) {
        convolutions.put(site.name(), update);
        wrappers.put(site.name(), Wrapper.LAYER);
    }

    /** Adds what is done at a table of token vectors; the adapter closes its parameters. */
    public final void add(EmbeddingSite site, EmbeddingUpdate update) {
        embeddings.put(site.name(), update);
        wrappers.put(site.name(), Wrapper.LAYER);
    }

    /** Adds rows of an embedding that are trained; the adapter closes them. */
    public final void add(TokenRows rows) {
        tokens.add(rows);
        rows.layers().forEach(layer -> wrappers.put(layer, rows.wrapper()));
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
        if (modules.mayMiss()) {
            requireNoneOfPeft(modules);
        }
        for (String module : wholeModules(modules)) {
            wrappers.put(module, Wrapper.WHOLE);
        }
        for (String name : modules.tensors(model)) {
            if (!readsCopy(name)) {
                trainUnread(name, name);
            } else if (!copies.hasOwn(name)) {
                train(name, name);
            }
        }
    }

    /** Whether the copy of a base tensor that is trained takes its place. */
    protected boolean readsCopy(String tensor) {
        return true;
    }

    /** Has a copy of a base tensor in files that does not take its place, as PEFT has some. */
    protected final void trainUnread(String name, String savedName) {
        copies.spare(name, savedName);
    }

    /** PEFT looks for the entries of a file among its own modules too, and stops where one means such a module. */
    private void requireNoneOfPeft(WholeModules modules) {
        for (Parameter p : parameters()) {
            String layer = layerOf(p.name());
            if (!layer.isEmpty()) {
                int end = p.name().indexOf('.', layer.length() + 1);
                String part = end < 0 ? p.name() : p.name().substring(0, end);
                List<String> own = new ArrayList<>(List.of(part));
                if (end >= 0) {
                    own.add(part + ".default");
                }
                dropoutName().ifPresent(name -> own.addAll(List.of(layer + name, layer + name + ".default")));
                if (own.stream().anyMatch(modules::means)) {
                    throw new IllegalArgumentException(
                            "modules_to_save " + modules.endings() + " means a part of the adapter at " + layer
                                    + " by the end of its name. Name modules of the model.");
                }
            }
        }
    }

    /** Names that PEFT has in memory for base tensors besides their own. */
    protected Map<String, String> otherBaseNames() {
        return Map.of();
    }

    /** Names that PEFT has in memory for parameters, and reads before those that files have for them. */
    protected Map<String, Parameter> coveredNames() {
        return Map.of();
    }

    /** What PEFT calls the dropout of a layer, if that is a module. */
    protected Optional<String> dropoutName() {
        return Optional.empty();
    }

    /** The modules that are trained whole; of a file only those of which PEFT trains a copy. */
    private List<String> wholeModules(WholeModules modules) {
        Modules all = new Modules(model);
        for (String module : modules.mayMiss() ? all.names() : Set.<String>of()) {
            if (modules.means(module)) {
                boolean hasLayers = wrappers.keySet().stream().anyMatch(w -> (w + ".").startsWith(module + "."));
                if (hasLayers || modules.hasTensor(module) || all.isList(module)) {
                    throw new IllegalArgumentException("modules_to_save " + modules.endings() + " means " + module
                            + ", of which no copy can be trained: it "
                            + (hasLayers
                                    ? "has adapters in it"
                                    : all.isList(module) ? "is a list" : "is in another one")
                            + ". Name other modules.");
                }
            }
        }
        return modules.modules(all);
    }

    /**
     * Trains rows of tables beside what else is trained.
     *
     * @param whole the modules that are trained whole
     * @throws IllegalArgumentException if a table is trained already
     */
    public final void trainTokens(TokenTables tables, WholeModules whole) {
        for (Site table : tables.sites()) {
            if (actsAt(table) || whole.hasTensor(table.name() + ".weight")) {
                throw new IllegalArgumentException("trainable_token_indices names " + table.name()
                        + ", which is trained already, as a layer or as a whole. Choose one of them.");
            }
        }
        tables.sites().forEach(table -> add(tables.rows(table)));
    }

    /** Trains a copy of the base tensor that is used under a name; it is saved under another name. */
    public final void train(String name, String savedName) {
        copies.train(name, savedName);
    }

    /**
     * Trains a copy of a whole module, beside which files have the untrained one.
     *
     * @param part of the names of the copy
     * @throws IllegalArgumentException if it is a list of blocks, or in a module of which a copy is trained
     */
    public final void trainLayer(String layer, String part) {
        Modules all = new Modules(model);
        if (all.isList(layer) || !layerOf(layer + ".").isEmpty()) {
            throw new IllegalArgumentException("a copy of " + layer
                    + " was to be trained, which is a list of blocks or in another module that is. Name layers.");
        }
        for (String tensor : all.tensors(layer)) {
            train(tensor, layer + "." + part + tensor.substring(layer.length()));
        }
        wrappers.put(layer, Wrapper.LAYER);
    }

    /** Trains a copy of a bias of the base; a file that does not have it means that of the base. */
    public final void trainBias(String name) {
        optional.add(copies.train(name, baseName(name)));
    }

    /** Lets the weight of a tied head be the copy of the embedding that this adapter trains, and has it written for both, as PEFT does. */
    public final void tieHeads() {
        for (LinearSite head : model.linearSites()) {
            Parameter table = copies.get(model.weightName(head));
            if (model.isTied(head) && table != null) {
                copies.share(head.name() + ".weight", table);
                wrappers.put(head.name(), Wrapper.WHOLE);
                alsoSave(head.name() + ".weight", table);
            }
        }
    }

    /**
     * Puts a tensor of a file in the place of the base tensor that is used under a name, wherever that has no trained copy. It is not trained.
     *
     * @return the tensor to fill, or null if nothing uses the base's
     */
    final @Nullable Tensor replaceBase(String name) {
        List<String> uses = copies.uses(name);
        return uses.isEmpty()
                ? null
                : copies.replace(uses, baseName(uses.get(0))).value();
    }

    /** Puts the base tensors that another adapter has from its file into this one, which is made of it. */
    protected final void takeBaseOf(LayeredAdapter other) {
        other.copies.fromFile().forEach((name, p) -> {
            Tensor to = replaceBase(name);
            if (to != null) {
                to.copyFrom(p.value());
            }
        });
    }

    /** The base tensor that is used under a name where no copy is trained: that of the file if it has one. */
    final FrozenWeight untrained(String name) {
        return copies.untrained(name);
    }

    /** The name in files of a base tensor, without the prefix of all names: it is inside of what the adapter wraps around a layer. */
    final String baseName(String tensor) {
        for (int dot = tensor.indexOf('.'); dot >= 0; dot = tensor.indexOf('.', dot + 1)) {
            Wrapper wrapper = wrappers.get(tensor.substring(0, dot));
            if (wrapper != null) {
                return tensor.substring(0, dot) + wrapper.base() + tensor.substring(dot);
            }
        }
        return tensor;
    }

    /** The layer with an adapter that a name without its prefix begins with; empty if there is none. */
    final String layerOf(String name) {
        for (int dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
            if (wrappers.get(name.substring(0, dot)) == Wrapper.LAYER) {
                return name.substring(0, dot);
            }
        }
        return "";
    }

    /** What the adapter wraps around modules. */
    final Map<String, Wrapper> wrappers() {
        return wrappers;
    }

    /** The tensor that is used under a name: that of a file or a trained one in the place of the base's. */
    protected final FrozenWeight baseWeight(String name) {
        Parameter p = copies.get(name);
        return p == null ? model.usedWeight(name) : new DenseWeight(p.value());
    }

    /** Whether a file of the adapter may lack a parameter, which is that of the base then. */
    final boolean isOptional(Parameter parameter) {
        return optional.contains(parameter);
    }

    /** The trained rows that a layer uses. */
    final Optional<TokenRows> rowsAt(String layer) {
        return tokens.stream().filter(t -> t.layers().contains(layer)).findFirst();
    }

    /** Has a parameter written under another name too. */
    public final void alsoSave(String name, Parameter p) {
        alsoSaved.put(
                name,
                new SavedTwin(p.value(), false, Arrays.stream(p.shape()).boxed().toList()));
    }

    /** The same with rows and columns exchanged. */
    public final void alsoSaveTransposed(String name, Parameter p) {
        alsoSaved.put(
                name,
                new SavedTwin(p.value(), true, Arrays.stream(p.shape()).boxed().toList()));
    }

    /** Has a vector of the base written too. */
    public final void alsoSave(String name, Tensor vector) {
        alsoSaved.put(name, new SavedTwin(vector, false, List.of(vector.cols())));
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
        convolutions.values().forEach(c -> all.addAll(c.parameters()));
        tokens.forEach(t -> all.add(t.parameter()));
        all.addAll(copies.parameters());
        return all;
    }

    @Override
    public Map<String, SavedTwin> alsoSaved() {
        return alsoSaved;
    }

    @Override
    public @Nullable Parameter replacement(String tensorName) {
        return copies.get(tensorName);
    }

    @Override
    public boolean changesInput(LinearSite site) {
        LinearUpdate update = linear.get(site.name());
        return update != null && update.changesInput();
    }

    @Override
    public boolean scalesChanges(LinearSite site) {
        LinearUpdate update = linear.get(site.name());
        return update != null && update.scalesChanges();
    }

    @Override
    public Node linearInput(Call call, LinearSite site, Node x) {
        LinearUpdate update = linear.get(site.name());
        return update == null ? x : update.input(call, x);
    }

    @Override
    public void linear(Call call, LinearSite site, Node x, Node y) {
        for (TokenRows rows : tokens) { // they are rows of the weight, on which the update acts
            if (rows.isAt(site)) {
                rows.head(call, x, y);
            }
        }
        LinearUpdate update = linear.get(site.name());
        if (update != null) {
            update.forward(call, x, y);
        }
    }

    @Override
    public void convolution(Call call, ConvSite site, Node x, int height, int width, Node y) {
        ConvUpdate update = convolutions.get(site.name());
        if (update != null) {
            update.forward(call, x, height, width, y);
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
                || convolutions.containsKey(site.name())
                || embeddings.containsKey(site.name())
                || tokens.stream().anyMatch(t -> t.isAt(site));
    }

    @Override
    public void mergeInto(LinearSite site, Tensor weight) {
        tokens.stream().filter(t -> t.isAt(site)).forEach(t -> t.mergeInto(weight));
        LinearUpdate update = linear.get(site.name());
        if (update != null) {
            update.mergeInto(model.backend(), weight);
        }
    }

    @Override
    public void mergeInto(ConvSite site, Tensor weight) {
        ConvUpdate update = convolutions.get(site.name());
        if (update != null) {
            update.mergeInto(model.backend(), weight);
        }
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
        return copies.isTransposed(parameter);
    }

    @Override
    public Map<String, int[]> trainedRows() {
        Map<String, int[]> all = new LinkedHashMap<>();
        tokens.forEach(t -> all.put(t.module(), t.tokens()));
        return all;
    }

    @Override
    public final Lease.Use hold() {
        return lease.hold();
    }

    @Override
    public final void use(Pass pass) {
        pass.use(lease);
    }

    @Override
    public final void requireFits(ModelSites other) {
        other.requireAlike(model, "an adapter of the method " + config.peftType());
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
        linear.values().forEach(LinearUpdate::free);
        embeddings.values().forEach(EmbeddingUpdate::free);
    }

    /** Backend of the model. */
    protected final Backend backend() {
        return model.backend();
    }
}
