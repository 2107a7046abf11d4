package dev.peft4j.models;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.data.Layout;
import dev.peft4j.core.data.Measure;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.layer.Head;
import dev.peft4j.core.layer.LossFunction;
import dev.peft4j.core.layer.Losses;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** A head that finds the span of a sequence that answers a question: for each token how well it would be the first, and the last of it. */
final class SpanHead implements Head {
    private static final int ENDS = 2;

    private final HeadLayers layers; // (2, C)

    SpanHead(HeadLayers layers) {
        this.layers = layers;
    }

    @Override
    public TaskType task() {
        return TaskType.QUESTION_ANS;
    }

    @Override
    public int outputs() {
        return ENDS;
    }

    @Override
    public int @Nullable [] rows(Layout layout) {
        return null;
    }

    @Override
    public boolean isJoint() {
        return true;
    }

    @Override
    public Node logits(Call call, Node hidden) {
        return layers.logits(call, hidden);
    }

    /** All rows; a span begins and ends in its sequence. */
    @Override
    public Scored scored(Layout layout) {
        if (!(layout.batch().targets() instanceof Targets.Spans spans)) {
            throw new BadInputException("a model that answers questions is compared with a span of each sequence, and"
                    + " the batch has " + layout.batch().targets().kind() + ". Give a span with each sequence.");
        }
        int[] first = new int[layout.size()];
        int[] last = new int[layout.size()];
        int count = 0;
        for (int s = 0; s < first.length; s++) {
            boolean scored = spans.first()[s] != Targets.IGNORE && spans.last()[s] != Targets.IGNORE;
            first[s] = scored ? row(layout, s, spans.first()[s]) : Targets.IGNORE;
            last[s] = scored ? row(layout, s, spans.last()[s]) : Targets.IGNORE;
            count += scored ? 1 : 0;
        }
        int[] rows = IntStream.range(0, layout.starts()[layout.size()]).toArray();
        return new Scored(rows, new Targets.RowSpans(first, last, layout.starts()), count);
    }

    private static int row(Layout layout, int sequence, int token) {
        int length = layout.starts()[sequence + 1] - layout.starts()[sequence];
        if (token >= length) {
            throw new BadInputException("the answer of sequence " + sequence + " of a batch has the token " + token
                    + ", and the sequence has " + length + ". Give a span that lies in the sequence.");
        }
        return layout.starts()[sequence] + token;
    }

    @Override
    public LossFunction loss() {
        return Losses::spans;
    }

    @Override
    public Measure measure() {
        return Measure.ACCURACY;
    }

    /** Sequences whose best first and best last token are those of the answer. */
    @Override
    public long right(Backend backend, Tensor logits, Targets targets) {
        if (!(targets instanceof Targets.RowSpans spans)) {
            return 0;
        }
        float[] z = logits.toFloats();
        return IntStream.range(0, spans.count())
                .filter(s -> spans.first()[s] != Targets.IGNORE
                        && best(z, 0, spans.starts()[s], spans.starts()[s + 1]) == spans.first()[s]
                        && best(z, 1, spans.starts()[s], spans.starts()[s + 1]) == spans.last()[s])
                .count();
    }

    private static int best(float[] z, int column, int from, int to) {
        int best = from;
        for (int r = from; r < to; r++) {
            best = z[ENDS * r + column] > z[ENDS * best + column] ? r : best;
        }
        return best;
    }

    @Override
    public long judged(Targets targets) {
        return targets instanceof Targets.RowSpans spans
                ? Arrays.stream(spans.first()).filter(f -> f != Targets.IGNORE).count()
                : 0;
    }
}
