package dev.peft4j.tests;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.Layout;
import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.layer.Head;
import dev.peft4j.core.layer.Linear;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.EmbeddingSite;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.NormSite;
import dev.peft4j.core.tensor.Activation;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.Weights;
import dev.peft4j.models.SequenceHead;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A model that reads images: two layers over their values. It has none of what a transformer has. */
final class ToyImageModel implements Model {
    private static final int HIDDEN = 12;

    private final Weights weights;
    private final Backend backend = Backend.host();
    private final Linear first; // (HIDDEN, pixels)
    private final Head head;

    ToyImageModel(int pixels, int classes) throws IOException {
        weights = Weights.random(Path.of("toy"), backend.dtype(), 0.5, 1);
        first = linear("first", pixels, HIDDEN, false);
        Linear output = linear("output", HIDDEN, classes, true);
        head = SequenceHead.ofFirstToken(output, ProblemType.SINGLE_LABEL_CLASSIFICATION);
    }

    private Linear linear(String name, int in, int out, boolean isOutput) throws IOException {
        return new Linear(
                new LinearSite(name, in, out, isOutput),
                weights.matrix(name + ".weight", out, in),
                weights.vector(name + ".bias", out));
    }

    @Override
    public Node hidden(Call call, Batch batch, int @Nullable [] rows) {
        Pass pass = call.pass();
        ImageBatch images = images(batch);
        Tensor values = pass.allocate(images.size(), first.site().in());
        images.writeTo(values);
        Call all = layout(call, batch).over(call, null);
        Node x = Functions.activation(pass, Activation.TANH, first.forward(all, pass.node(values)));
        return rows == null ? x : Functions.rows(pass, x, rows);
    }

    private static ImageBatch images(Batch batch) {
        if (batch instanceof ImageBatch images) {
            return images;
        }
        throw new IllegalArgumentException("tokens were given; this toy model reads images. Use a model of texts.");
    }

    @Override
    public Layout layout(Call call, Batch batch) {
        return Layout.of(images(batch));
    }

    @Override
    public Layout layout(Batch batch, List<Adapter> adapters) {
        return Layout.of(images(batch));
    }

    @Override
    public void requireFits(String name, Example example, int rowsInFront) {
        images(Batch.of(List.of(example)));
    }

    @Override
    public Head head() {
        return head;
    }

    @Override
    public String modelType() {
        return "toy";
    }

    @Override
    public FamilyTraits traits() {
        return FamilyTraits.builder("").targets("LORA", "first").build();
    }

    @Override
    public List<LinearSite> linearSites() {
        return List.of(first.site(), new LinearSite("output", HIDDEN, head.outputs(), true));
    }

    @Override
    public List<EmbeddingSite> embeddingSites() {
        return List.of();
    }

    @Override
    public List<NormSite> normSites() {
        return List.of();
    }

    @Override
    public List<String> newModules() {
        return List.of();
    }

    @Override
    public List<String> taskModules() {
        return List.of("output");
    }

    @Override
    public Weights weights() {
        return weights;
    }

    @Override
    public Path directory() {
        return Path.of("toy");
    }

    @Override
    public String source() {
        return "toy";
    }

    @Override
    public int contextLength() {
        return 0;
    }

    @Override
    public int vocabularySize() {
        return 0;
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public void close() {
        weights.close();
    }
}
