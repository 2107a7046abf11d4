package dev.peft4j.models;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Lease;
import dev.peft4j.core.layer.Head;
import dev.peft4j.core.layer.LayerNorm;
import dev.peft4j.core.layer.Linear;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.ConvSite;
import dev.peft4j.core.site.EmbeddingSite;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.NormSite;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.weight.Weights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What models of texts and of images share: the checkpoint, its layers by name with their sites ({@link LayerReader}), the head, and how long the weights last. */
abstract class LayeredModel implements Model {
    final LayerReader reader;
    private final FamilyTraits traits;
    private final String modelType;
    private final Weights weights;
    private final Backend backend;
    private final Path directory;
    private final Lease lease;
    private @Nullable Head head;
    private List<String> taskModules = List.of();

    LayeredModel(ModelSource source, FamilyTraits traits) throws IOException {
        ModelConfig config = source.config();
        this.traits = traits;
        this.modelType = source.modelType();
        this.weights = source.weights();
        this.backend = source.backend();
        this.directory = config.directory();
        weights.namedInFiles(traits.prefix(), traits.olderNames()::other);
        weights.namedElsewhere(traits.namesElsewhere()::ours, traits.namesElsewhere()::other);
        Fresh fresh = new Fresh(config.number("initializer_range", 0.02), source.seed(), config);
        this.reader = new LayerReader(weights, backend.dtype(), directory, fresh);
        this.lease = new Lease("the " + modelType + " model of " + directory);
    }

    /** Begins a run: makes sure that the weights last until its pass is closed, and that adapters fit. */
    final void begin(Call call) {
        call.pass().use(lease);
        call.parts().forEach(part -> part.adapters().forEach(a -> a.requireFits(this)));
    }

    /** Reads a linear layer whose weight is (out, in) in the file. */
    protected final Linear linear(String name, int in, int out, boolean bias) throws IOException {
        return reader.linear(name, in, out, bias);
    }

    /** Reads a layer norm. */
    protected final LayerNorm layerNorm(String name, int n, double eps) throws IOException {
        return reader.layerNorm(name, n, eps, true);
    }

    /**
     * Gives the model its head; a constructor ends with it.
     *
     * @param modules that are trained whole for the task because the checkpoint may not have them
     */
    protected final void setHead(Head newHead, List<String> modules) {
        head = newHead;
        taskModules = List.copyOf(modules);
    }

    @Override
    public final Head head() {
        return Objects.requireNonNull(head, "the constructor of a model ends with its head");
    }

    @Override
    public final List<String> taskModules() {
        return taskModules;
    }

    @Override
    public final String modelType() {
        return modelType;
    }

    @Override
    public final FamilyTraits traits() {
        return traits;
    }

    @Override
    public final List<LinearSite> linearSites() {
        return reader.linearSites();
    }

    @Override
    public final List<ConvSite> convSites() {
        return reader.convSites();
    }

    @Override
    public final List<EmbeddingSite> embeddingSites() {
        return reader.embeddingSites();
    }

    @Override
    public final List<NormSite> normSites() {
        return reader.normSites();
    }

    @Override
    public final Set<String> statistics() {
        return reader.statistics();
    }

    @Override
    public final List<String> newModules() {
        return reader.newModules();
    }

    @Override
    public final Weights weights() {
        return weights;
    }

    @Override
    public final Backend backend() {
        return backend;
    }

    @Override
    public final Path directory() {
        return directory;
    }

    @Override
    public final List<String> files() throws IOException {
        return ModelFiles.of(directory);
    }

    @Override
    public final String source() {
        return directory.toString();
    }

    @Override
    public final Lease.Use hold() {
        return lease.hold();
    }

    /** Frees what a kind of model has besides weights. */
    void free() {}

    /** Frees the weights, at once or when the last pass that uses them is closed. */
    @Override
    public final void close() {
        lease.close(() -> {
            weights.close();
            reader.close();
            free();
        });
    }
}
