package dev.peft4j;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.models.TextTokenizer;
import dev.peft4j.models.data.Labels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Says the labels of texts. Any number of threads may use one. Whoever opened it, or got it from a {@link FineTuned} or {@link TextModel}, closes it: that frees
 * its working memory, and the model if it was opened with it. Texts that are longer than the context of the model are cut.
 */
public final class TextClassifier implements AutoCloseable {
    private static final int BATCH_TOKENS = 2048;

    private final Model model;
    private final TextTokenizer tokenizer;
    private final Function<Pass, Call> calls;
    private final Labels labels;
    private final int maxLength;
    private final Runnable onClose;
    private final ConcurrentLinkedQueue<Arena> arenas = new ConcurrentLinkedQueue<>(); // that no thread uses now
    private volatile boolean closed;

    TextClassifier(Base base, Function<Pass, Call> calls, Labels labels, int rowsInFront, Runnable onClose) {
        this.model = base.model();
        this.tokenizer = base.tokenizer();
        this.calls = calls;
        this.labels = labels;
        this.maxLength = model.contextLength() - rowsInFront;
        this.onClose = onClose;
    }

    /**
     * Opens a checkpoint that has a head: a classifier as it comes from the hub, or one that was merged.
     *
     * @throws dev.peft4j.core.error.BadFileException if the directory holds no model that can be read
     * @throws BadInputException if the model has no trained head
     */
    public static TextClassifier open(Path base) throws IOException {
        return open(base, null);
    }

    /**
     * Opens a base and an adapter of a classifier, whose labels are those that it was trained with.
     *
     * @param adapter null for none
     * @throws dev.peft4j.core.error.BadFileException if a directory holds no such thing, or the adapter is for another base
     */
    public static TextClassifier open(Path base, @Nullable Path adapter) throws IOException {
        TextModel model = TextModel.openFor(base, adapter == null ? List.of() : List.of(adapter));
        try {
            if (adapter != null) {
                model.load("adapter", adapter);
            }
            return model.classifier(model::close, adapter == null ? List.of() : List.of("adapter"));
        } catch (IOException | RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    /** The labels in the order of the outputs: names, or numbers from 0. */
    public List<String> labels() {
        return IntStream.range(0, labels.outputs()).mapToObj(labels::name).toList();
    }

    /**
     * The label of a text.
     *
     * @throws BadInputException if the model predicts numbers
     * @throws WrongUseException if it is closed
     */
    public Prediction classify(String text) {
        return classify(List.of(text)).get(0);
    }

    /** The labels of texts, in their order; many at once are faster than one after the other. */
    public List<Prediction> classify(List<String> texts) {
        ProblemType problem = labels.problem();
        if (problem == ProblemType.REGRESSION) {
            throw new BadInputException("labels were asked for, and this model predicts " + labels.outputs()
                    + (labels.outputs() == 1 ? " number" : " numbers") + " of a text. Use predict.");
        }
        return outputs(texts).stream()
                .map(logits -> Prediction.of(
                        named(problem == ProblemType.SINGLE_LABEL_CLASSIFICATION ? softmax(logits) : sigmoid(logits))))
                .toList();
    }

    /**
     * The numbers that a regression model predicts of a text, one for each output.
     *
     * @throws BadInputException if the model predicts labels
     */
    public double[] predict(String text) {
        if (labels.problem() != ProblemType.REGRESSION) {
            throw new BadInputException(
                    "numbers were asked for, and this model predicts the labels " + labels() + ". Use classify.");
        }
        return outputs(List.of(text)).get(0);
    }

    private Map<String, Double> named(double[] probabilities) {
        Map<String, Double> scores = new LinkedHashMap<>();
        for (int i = 0; i < probabilities.length; i++) {
            scores.put(labels.name(i), probabilities[i]);
        }
        return scores;
    }

    private static double[] softmax(double[] logits) {
        double most = Double.NEGATIVE_INFINITY;
        for (double x : logits) {
            most = Math.max(most, x);
        }
        double sum = 0;
        double[] p = new double[logits.length];
        for (int i = 0; i < p.length; i++) {
            p[i] = Math.exp(logits[i] - most);
            sum += p[i];
        }
        for (int i = 0; i < p.length; i++) {
            p[i] /= sum;
        }
        return p;
    }

    private static double[] sigmoid(double[] logits) {
        double[] p = new double[logits.length];
        for (int i = 0; i < p.length; i++) {
            p[i] = 1 / (1 + Math.exp(-logits[i]));
        }
        return p;
    }

    /** The outputs of the model for each text. */
    private List<double[]> outputs(List<String> texts) {
        requireOpen();
        List<int[]> ids = texts.stream()
                .map(text -> {
                    StoppedException.ifInterrupted(() -> texts.size() + " texts were to be classified");
                    return tokenizer.encode(text, true, maxLength);
                })
                .toList();
        List<double[]> all = new ArrayList<>();
        Arena free = arenas.poll();
        Arena arena = free != null ? free : new Arena(model.backend().dtype());
        try {
            while (all.size() < ids.size()) {
                StoppedException.ifInterrupted(
                        () -> ids.size() + " texts were to be classified, " + all.size() + " have been");
                int from = all.size();
                int to = from;
                int tokens = 0;
                while (to < ids.size() && (to == from || tokens + ids.get(to).length <= BATCH_TOKENS)) {
                    tokens += ids.get(to++).length;
                }
                all.addAll(outputs(ids.subList(from, to).toArray(new int[0][]), arena));
            }
        } finally {
            giveBack(arena);
        }
        return all;
    }

    private List<double[]> outputs(int[][] ids, Arena arena) {
        List<double[]> rows = new ArrayList<>();
        try (Pass pass = Pass.inference(model.backend(), arena)) {
            Tensor logits = model.logits(calls.apply(pass), PackedBatch.of(ids)).value(); // (B, outputs)
            for (int r = 0; r < logits.rows(); r++) {
                rows.add(logits.rows(r, 1).toDoubles());
            }
        }
        return rows;
    }

    private void giveBack(Arena arena) {
        arenas.add(arena);
        if (closed) {
            freeArenas();
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new WrongUseException(
                    "texts were to be classified by a classifier that is closed. Close it when nothing uses it any more.");
        }
    }

    private void freeArenas() {
        for (Arena arena = arenas.poll(); arena != null; arena = arenas.poll()) {
            arena.close();
        }
    }

    /** Frees the working memory, and the model if it was opened with it. */
    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            freeArenas();
            onClose.run();
        }
    }
}
