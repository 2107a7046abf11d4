package dev.peft4j.models;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.data.Layout;
import dev.peft4j.core.data.Measure;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.layer.Head;
import dev.peft4j.core.layer.Linear;
import dev.peft4j.core.layer.LossFunction;
import dev.peft4j.core.layer.Losses;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A head that predicts classes, labels or numbers of whole sequences by one row of each: the first, the last, or the mean of all. */
public final class SequenceHead implements Head {
    private static final int NO_TOKEN = -1;

    private final HeadLayers layers;
    private final ProblemType problem;
    private final @Nullable Pooling pooling; // null for the last token
    private final int padding;
    private final TaskType task;
    private final NewHead form;

    private SequenceHead(
            TaskType task,
            HeadLayers layers,
            ProblemType problem,
            @Nullable Pooling pooling,
            int padding,
            NewHead form) {
        this.task = task;
        this.layers = layers;
        this.problem = problem;
        this.pooling = pooling;
        this.padding = padding;
        this.form = form;
    }

    /** Reads the first token of each sequence, as most encoders do. */
    public static SequenceHead ofFirstToken(Linear output, ProblemType problem) {
        return of(HeadLayers.of(List.of(output)), problem, Pooling.FIRST, NewHead.usual());
    }

    /**
     * Reads the last token of each sequence, as decoders do.
     *
     * @param padding the token that does not count at the end of a sequence, or -1 for none
     */
    public static SequenceHead ofLastToken(Linear output, ProblemType problem, int padding) {
        HeadLayers layers = HeadLayers.of(List.of(output));
        return new SequenceHead(TaskType.SEQ_CLS, layers, problem, null, padding, NewHead.usual());
    }

    /** The same of one layer without a bias or of several ones, as a config tells it. */
    static SequenceHead ofLastToken(LayerReader reader, LinearSite output, ModelSource source) throws IOException {
        ModelConfig config = source.config();
        HeadLayers layers = HeadLayers.of(reader.classifier(output, false, source));
        ProblemType problem = config.problemType(output.out());
        int padding = (int) config.number("pad_token_id", NO_TOKEN);
        return new SequenceHead(TaskType.SEQ_CLS, layers, problem, null, padding, source.head());
    }

    /** Reads the one row of each image. */
    public static SequenceHead ofImages(Linear output, ProblemType problem) {
        return ofImages(List.of(output), problem, NewHead.usual());
    }

    /** The same of several layers. */
    static SequenceHead ofImages(List<Linear> classifier, ProblemType problem, NewHead form) {
        return new SequenceHead(TaskType.IMAGE_CLS, HeadLayers.of(classifier), problem, Pooling.FIRST, NO_TOKEN, form);
    }

    /** Reads one row of each sequence through several layers. */
    static SequenceHead of(HeadLayers layers, ProblemType problem, Pooling pooling, NewHead form) {
        return new SequenceHead(TaskType.SEQ_CLS, layers, problem, pooling, NO_TOKEN, form);
    }

    /** What the output layer reads of the rows of sequences: (B, C) to (B, E). */
    public Node features(Call call, Node rows) {
        return layers.features(call, rows);
    }

    @Override
    public ProblemType problem() {
        return problem;
    }

    @Override
    public Map<String, Object> fields() {
        return form.fields();
    }

    @Override
    public TaskType task() {
        return task;
    }

    @Override
    public int outputs() {
        return layers.outputs();
    }

    @Override
    public int @Nullable [] rows(Layout layout) {
        return pooling == null ? lastRows(layout) : pooling.rows(layout);
    }

    private int[] lastRows(Layout layout) {
        int[] rows = new int[layout.size()];
        Arrays.setAll(rows, s -> last(layout, s));
        return rows;
    }

    /** The last token that is no padding; the first one if all are. */
    private int last(Layout layout, int sequence) {
        int row = layout.starts()[sequence + 1] - 1;
        if (padding == NO_TOKEN || !(layout.batch() instanceof PackedBatch tokens)) {
            return row;
        }
        while (row > layout.starts()[sequence] && tokens.ids()[row] == padding) {
            row--;
        }
        return row;
    }

    @Override
    public Features features(Call call, Layout layout, Node hidden) {
        return pooling == null ? new Features(call, hidden) : pooling.features(call, layout, hidden);
    }

    @Override
    public @Nullable Head behind(String layer) {
        HeadLayers rest = layers.from(layer);
        return rest == null ? null : new SequenceHead(task, rest, problem, Pooling.FIRST, NO_TOKEN, form);
    }

    @Override
    public Node logits(Call call, Node hidden) {
        return layers.logits(call, hidden);
    }

    @Override
    public Scored scored(Layout layout) {
        Targets targets = layout.batch().targets();
        boolean fits =
                switch (problem) {
                    case SINGLE_LABEL_CLASSIFICATION ->
                        targets instanceof Targets.Classes || targets instanceof Targets.MixedClasses;
                    case MULTI_LABEL_CLASSIFICATION ->
                        targets instanceof Targets.LabelSets sets && sets.each() == outputs();
                    case REGRESSION -> targets instanceof Targets.Numbers numbers && numbers.each() == outputs();
                };
        if (!fits) {
            throw new BadInputException("this classifier is compared with " + wanted() + ", and the batch has "
                    + targets.kind() + ". Give targets of its kind.");
        }
        int[] rows = pooling == null ? lastRows(layout) : pooling.allRows(layout);
        return new Scored(
                rows, targets, (int) judged(targets instanceof Targets.MixedClasses mixed ? mixed.own() : targets, 1));
    }

    private String wanted() {
        return switch (problem) {
            case SINGLE_LABEL_CLASSIFICATION -> "a class of each sequence";
            case MULTI_LABEL_CLASSIFICATION -> outputs() + " labels of each sequence";
            case REGRESSION -> outputs() + " numbers of each sequence";
        };
    }

    @Override
    public LossFunction loss() {
        return switch (problem) {
            case SINGLE_LABEL_CLASSIFICATION -> Losses::crossEntropy;
            case MULTI_LABEL_CLASSIFICATION -> Losses::binaryCrossEntropy;
            case REGRESSION -> Losses::meanSquaredError;
        };
    }

    @Override
    public Measure measure() {
        return problem == ProblemType.REGRESSION ? Measure.ROOT_MEAN_SQUARED_ERROR : Measure.ACCURACY;
    }

    @Override
    public long right(Backend backend, Tensor logits, Targets targets) {
        if (targets instanceof Targets.Classes classes) {
            return Predictions.right(backend, logits, classes.classes());
        }
        return targets instanceof Targets.LabelSets sets ? countRight(logits, sets.values()) : 0;
    }

    @Override
    public long judged(Targets targets) {
        return targets instanceof Targets.MixedClasses
                ? 0
                : judged(targets, outputs()); // of two, none is the right one
    }

    private static long judged(Targets targets, int each) {
        return targets instanceof Targets.Classes classes
                ? Predictions.judged(classes.classes())
                : (long) targets.count() * each;
    }

    /** Labels whose probability is on the right side of a half. */
    private static long countRight(Tensor logits, float[] values) {
        long right = 0;
        float[] z = logits.toFloats();
        for (int i = 0; i < values.length; i++) {
            boolean there = z[i] > 0;
            right += there == values[i] > 0.5f ? 1 : 0;
        }
        return right;
    }
}
