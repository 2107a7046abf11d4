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
 * A head without parameters that gives a vector of length 1 of each sequence, made of the mean of its hidden states or of the first one.
 *
 * <p>Reimers and Gurevych 2019, <a href="https://arxiv.org/abs/1908.10084">paper</a>, section 3.
 */
final class VectorHead implements Head {
    private final int width; // C
    private final Pooling pooling;

    VectorHead(int width, Pooling pooling) {
        this.width = width;
        this.pooling = pooling;
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

    /** Vectors of length 1 (n, C). */
    @Override
    public Node logits(Call call, Node hidden) {
        return Functions.normalise(call.pass(), hidden);
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
        return ContrastiveLoss.DEFAULT;
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
            for (int c = 0; c < width; c++) {
                dot += (double) e[pairs.anchors()[anchor] * width + c] * e[pairs.positives()[j] * width + c];
            }
            if (dot > most) {
                most = dot;
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
