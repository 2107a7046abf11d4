package dev.peft4j.models;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.data.Layout;
import dev.peft4j.core.data.Measure;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.layer.ContrastiveLoss;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.layer.Head;
import dev.peft4j.core.layer.LossFunction;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A head without parameters that gives a vector of each sequence, made of the mean of its hidden states or of the first one. It has the length 1 unless the
 * checkpoint says otherwise; vectors are compared by their directions in any case.
 *
 * <p>Reimers and Gurevych 2019, <a href="https://arxiv.org/abs/1908.10084">paper</a>, section 3.
 */
final class VectorHead implements Head {
    private static final double SHORTEST = 1e-12; // as in normalise

    private final int width; // C
    private final Pooling pooling;
    private final boolean isNormalised;
    private final int longest;

    VectorHead(int width, SentenceFiles files) {
        this.width = width;
        this.pooling = files.pooling();
        this.isNormalised = files.isNormalised();
        this.longest = files.longest();
    }

    /** Most tokens that a text is cut to, as the checkpoint says. */
    int longest() {
        return longest;
    }

    @Override
    public TaskType task() {
        return TaskType.FEATURE_EXTRACTION;
    }

    @Override
    public int outputs() {
        return width;
    }

    @Override
    public int @Nullable [] rows(Layout layout) {
        return pooling.rows(layout);
    }

    @Override
    public Features features(Call call, Layout layout, Node hidden) {
        return pooling.features(call, layout, hidden);
    }

    @Override
    public boolean isJoint() {
        return true;
    }

    /** Vectors (n, C). */
    @Override
    public Node logits(Call call, Node hidden) {
        return isNormalised ? Functions.normalise(call.pass(), hidden) : hidden;
    }

    @Override
    public Scored scored(Layout layout) {
        if (!(layout.batch().targets() instanceof Targets.Classes pairs)) {
            throw new BadInputException("a model that gives vectors is trained with pairs of sequences, and the batch"
                    + " has " + layout.batch().targets().kind()
                    + ". Give both sequences of a pair the same class.");
        }
        int count = ContrastiveLoss.Pairs.of(pairs.classes()).anchors().length;
        return new Scored(pooling.allRows(layout), pairs, count);
    }

    @Override
    public LossFunction loss() {
        return isNormalised
                ? ContrastiveLoss.DEFAULT
                : (pass, vectors, targets, scale) ->
                        ContrastiveLoss.DEFAULT.forward(pass, Functions.normalise(pass, vectors), targets, scale);
    }

    @Override
    public Measure measure() {
        return Measure.ACCURACY;
    }

    /** Anchors to which their own positive is the nearest of the batch: recall at 1. */
    @Override
    public long right(Backend backend, Tensor logits, Targets targets) {
        if (!(targets instanceof Targets.Classes classes)) {
            return 0;
        }
        ContrastiveLoss.Pairs pairs = ContrastiveLoss.Pairs.of(classes.classes());
        float[] e = logits.toFloats();
        return IntStream.range(0, pairs.anchors().length)
                .filter(i -> nearest(e, pairs, i) == i)
                .count();
    }

    private int nearest(float[] e, ContrastiveLoss.Pairs pairs, int anchor) {
        int best = 0;
        double most = Double.NEGATIVE_INFINITY;
        for (int j = 0; j < pairs.positives().length; j++) {
            double dot = 0;
            double squares = 0;
            for (int c = 0; c < width; c++) {
                double p = e[pairs.positives()[j] * width + c];
                dot += e[pairs.anchors()[anchor] * width + c] * p;
                squares += p * p;
            }
            double similarity = isNormalised ? dot : dot / Math.max(Math.sqrt(squares), SHORTEST);
            if (similarity > most) {
                most = similarity;
                best = j;
            }
        }
        return best;
    }

    @Override
    public long judged(Targets targets) {
        return targets instanceof Targets.Classes classes
                ? ContrastiveLoss.Pairs.of(classes.classes()).anchors().length
                : 0;
    }
}
