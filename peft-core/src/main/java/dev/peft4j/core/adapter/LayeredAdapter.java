package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.Lease;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.ConvSite;
import dev.peft4j.core.site.EmbeddingSite;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.Site;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.DenseWeight;
import dev.peft4j.core.weight.FrozenWeight;
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
public class LayeredAdapter extends SiteAdapter {
    private final PeftConfig config;
    private final ModelSites model;
    private final BaseCopies copies;
    private final Wrappers wrappers = new Wrappers();
    private final Set<Parameter> optional = new HashSet<>();
    private final Map<String, SavedTwin> alsoSaved = new LinkedHashMap<>();
    private final Lease lease;

    /** An adapter that does nothing yet. */
    public LayeredAdapter(PeftConfig config, ModelSites model) {
        super(model.backend());
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
        } catch (RuntimeException | OutOfMemoryError e) {
            close();
            throw e;
        }
    }

    /** Adds what is done at a linear layer; the adapter closes its parameters. */
    public final void add(LinearSite site, LinearUpdate update) {
        put(site, update);
        wrappers.put(site.name(), Wrapper.LAYER);
    }

    /** Adds what is done at a convolution; the adapter closes its parameters. */
    public final void add(ConvSite site, ConvUpdate update) {
        put(site, update);
        wrappers.put(site.name(), Wrapper.LAYER);
    }

    /** Adds what is done at a table of token vectors; the adapter closes its parameters. */
    public final void add(EmbeddingSite site, EmbeddingUpdate update) {
        put(site, update);
        wrappers.put(site.name(), Wrapper.LAYER);
    }

    /** Adds rows of an embedding that are trained; the adapter closes them. */
    public final void add(TokenRows rows) {
        put(rows);
        rows.layers().forEach(layer -> wrappers.put(layer, rows.wrapper()));
    }

    /**
     * Trains copies of all tensors of some modules; a head that is tied to an embedding has a copy of its own.
     *
     * @throws BadInputException if one of them has no tensors, unless it may miss
     */
    public final void trainModules(WholeModules modules) {
        WholeModuleChoice choice = new WholeModuleChoice(modules, model, wrappers);
        choice.requireModules();
        if (modules.mayMiss()) {
            choice.requireNoneOfPeft(parameters(), dropoutName());
        }
        for (String module : choice.modules()) {
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

    /**
     * Trains rows of tables beside what else is trained.
     *
     * @param whole the modules that are trained whole
     * @throws BadInputException if a table is trained already
     */
    public final void trainTokens(TokenTables tables, WholeModules whole) {
        for (Site table : tables.sites()) {
            if (actsAt(table) || whole.hasTensor(table.name() + ".weight")) {
                throw new BadInputException("trainable_token_indices names " + table.name()
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
     * @throws BadInputException if it is a list of blocks, or in a module of which a copy is trained
     */
    public final void trainLayer(String layer, String part) {
        Modules all = new Modules(model);
        if (all.isList(layer) || !layerOf(layer + ".").isEmpty()) {
            throw new BadInputException("a copy of " + layer
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
        return wrappers.baseName(tensor);
    }

    /** The layer with an adapter that a name without its prefix begins with; empty if there is none. */
    final String layerOf(String name) {
        return wrappers.layerOf(name);
    }

    /** What the adapter wraps around modules. */
    final Wrappers wrappers() {
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

    /** Has a parameter written under another name too. */
    public final void alsoSave(String name, Parameter p) {
        alsoSaved.put(name, SavedTwin.of(p, false));
    }

    /** The same with rows and columns exchanged. */
    public final void alsoSaveTransposed(String name, Parameter p) {
        alsoSaved.put(name, SavedTwin.of(p, true));
    }

    /** Has a vector of the base written too. */
    public final void alsoSave(String name, Tensor vector) {
        alsoSaved.put(name, new SavedTwin(vector, false, List.of(vector.cols())));
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
        List<Parameter> all = ofUpdates();
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
    public final boolean isTransposedInFile(Parameter parameter) {
        return copies.isTransposed(parameter);
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
        freeKept();
    }
}
