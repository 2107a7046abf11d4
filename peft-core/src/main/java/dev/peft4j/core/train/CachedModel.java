package dev.peft4j.core.train;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Lease;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.FeatureBatch;
import dev.peft4j.core.data.Layout;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.layer.Head;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.ConvSite;
import dev.peft4j.core.site.EmbeddingSite;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.NormSite;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.Weights;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A model whose backbone is what it made of records before: its layers and weights are those of the base, its batches are of features.
 *
 * @param base whose weights it has; closing this closes nothing
 * @param head the rest of the head of the base
 */
record CachedModel(Model base, Head head) implements Model {
    private static FeatureBatch features(Batch batch) {
        if (batch instanceof FeatureBatch features) {
            return features;
        }
        throw new BadInputException("a batch of records was given where features of them are read. Give features.");
    }

    @Override
    public Layout layout(Call call, Batch batch) {
        return Layout.of(features(batch));
    }

    @Override
    public Layout layout(Batch batch, List<Adapter> adapters) {
        return Layout.of(features(batch));
    }

    @Override
    public Node hidden(Call call, Batch batch, int @Nullable [] rows) {
        FeatureBatch features = features(batch);
        Pass pass = call.pass();
        Tensor all = pass.allocate(features.length(), features.width());
        features.writeTo(all);
        Node node = pass.node(all);
        return rows == null || rows.length == features.length() ? node : Functions.rows(pass, node, rows);
    }

    @Override
    public void requireFits(String name, Example example, int rowsInFront) {
        if (!(example instanceof FeatureBatch.Features)) {
            throw new BadInputException(name + " is a record where features of one are read. Give features.");
        }
    }

    @Override
    public Weights weights() {
        return base.weights();
    }

    @Override
    public Path directory() {
        return base.directory();
    }

    @Override
    public int contextLength() {
        return base.contextLength();
    }

    @Override
    public int vocabularySize() {
        return base.vocabularySize();
    }

    @Override
    public String modelType() {
        return base.modelType();
    }

    @Override
    public FamilyTraits traits() {
        return base.traits();
    }

    @Override
    public List<LinearSite> linearSites() {
        return base.linearSites();
    }

    @Override
    public List<ConvSite> convSites() {
        return base.convSites();
    }

    @Override
    public List<EmbeddingSite> embeddingSites() {
        return base.embeddingSites();
    }

    @Override
    public List<NormSite> normSites() {
        return base.normSites();
    }

    @Override
    public List<String> blocks() {
        return base.blocks();
    }

    @Override
    public Set<String> statistics() {
        return base.statistics();
    }

    @Override
    public String weightName(LinearSite site) {
        return base.weightName(site);
    }

    @Override
    public String biasName(LinearSite site) {
        return base.biasName(site);
    }

    @Override
    public List<String> newModules() {
        return base.newModules();
    }

    @Override
    public List<String> taskModules() {
        return base.taskModules();
    }

    @Override
    public String source() {
        return base.source();
    }

    @Override
    public Backend backend() {
        return base.backend();
    }

    @Override
    public Lease.Use hold() {
        return base.hold();
    }

    @Override
    public void close() {
        // the base is closed by its owner
    }
}
