package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.site.ConvSite;
import dev.peft4j.core.site.EmbeddingSite;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.Site;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Patches;
import dev.peft4j.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** An adapter that acts at the layers of a model, by their names: updates of linear layers, tables and convolutions, and trained rows of tables. */
abstract class SiteAdapter implements Adapter {
    private final Backend backend;
    private final Map<String, LinearUpdate> linear = new LinkedHashMap<>();
    private final Map<String, EmbeddingUpdate> embeddings = new LinkedHashMap<>();
    private final Map<String, ConvUpdate> convolutions = new LinkedHashMap<>();
    private final List<TokenRows> tokens = new ArrayList<>();

    SiteAdapter(Backend backend) {
        this.backend = backend;
    }

    final void put(LinearSite site, LinearUpdate update) {
        linear.put(site.name(), update);
    }

    final void put(ConvSite site, ConvUpdate update) {
        convolutions.put(site.name(), update);
    }

    final void put(EmbeddingSite site, EmbeddingUpdate update) {
        embeddings.put(site.name(), update);
    }

    final void put(TokenRows rows) {
        tokens.add(rows);
    }

    /** Frees what updates keep beside their parameters. */
    final void freeKept() {
        linear.values().forEach(LayerUpdate::free);
        convolutions.values().forEach(LayerUpdate::free);
        embeddings.values().forEach(EmbeddingUpdate::free);
    }

    /** What is done at linear layers, by their names. */
    protected final Map<String, LinearUpdate> updates() {
        return linear;
    }

    /** What is done at convolutions, by their names. */
    protected final Map<String, ConvUpdate> convolutions() {
        return convolutions;
    }

    /** What is done at a linear layer or a convolution, or null. */
    private @Nullable LayerUpdate layer(Site site) {
        LinearUpdate update = linear.get(site.name());
        return update == null ? convolutions.get(site.name()) : update;
    }

    /** What is done at a table of token vectors, or null. */
    protected final @Nullable EmbeddingUpdate embedding(String name) {
        return embeddings.get(name);
    }

    /** The trained rows that a layer uses. */
    final Optional<TokenRows> rowsAt(String layer) {
        return tokens.stream().filter(t -> t.layers().contains(layer)).findFirst();
    }

    /** Parameters of all that is done at layers. */
    final List<Parameter> ofUpdates() {
        List<Parameter> all = new ArrayList<>();
        embeddings.values().forEach(e -> all.addAll(e.parameters()));
        linear.values().forEach(l -> all.addAll(l.parameters()));
        convolutions.values().forEach(c -> all.addAll(c.parameters()));
        tokens.forEach(t -> all.add(t.parameter()));
        return all;
    }

    @Override
    public boolean changesInput(Site site) {
        LayerUpdate update = layer(site);
        return update != null && update.changesInput();
    }

    @Override
    public boolean scalesChanges(Site site) {
        LayerUpdate update = layer(site);
        return update != null && update.scalesChanges();
    }

    @Override
    public Node layerInput(Call call, Site site, Node x) {
        LayerUpdate update = layer(site);
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
    public void convolution(Call call, ConvSite site, Patches patches, Node x, Node y) {
        ConvUpdate update = convolutions.get(site.name());
        if (update != null) {
            update.forward(call, patches, x, y);
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

    /** Trained rows are rows of the weight of a head, on which an update acts; of a table, they take the place of what an update made. */
    @Override
    public void mergeInto(Site site, Tensor weight) {
        LayerUpdate update = layer(site);
        EmbeddingUpdate ofTable = embeddings.get(site.name());
        if (ofTable != null) {
            ofTable.mergeInto(backend, weight);
        }
        tokens.stream().filter(t -> t.isAt(site)).forEach(t -> t.mergeInto(weight));
        if (update != null) {
            update.mergeInto(backend, weight);
        }
    }

    @Override
    public boolean changesBias(Site site) {
        LayerUpdate update = layer(site);
        return update != null && update.changesBias();
    }

    @Override
    public boolean needsBias(Site site) {
        LayerUpdate update = layer(site);
        return update != null && update.needsBias();
    }

    @Override
    public void mergeIntoBias(Site site, Tensor bias) {
        LayerUpdate update = layer(site);
        if (update != null) {
            update.mergeIntoBias(backend, bias);
        }
    }

    @Override
    public Map<String, int[]> trainedRows() {
        Map<String, int[]> all = new LinkedHashMap<>();
        tokens.forEach(t -> all.put(t.module(), t.tokens()));
        return all;
    }

    /** Backend of the model. */
    protected final Backend backend() {
        return backend;
    }
}
