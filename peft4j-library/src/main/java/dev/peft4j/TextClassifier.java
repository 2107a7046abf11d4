package dev.peft4j;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.models.TextTokenizer;
import dev.peft4j.models.data.Labels;
import dev.peft4j.models.hub.HubPath;
import dev.peft4j.run.ExampleReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Says the labels of texts. Any number of threads may use one. Whoever opened it, or got it from a {@link FineTuned} or {@link TextModel}, closes it: that frees
 * its working memory, and the model if it was opened with it. Texts that are longer than the context of the model are cut.
 */
public final class TextClassifier implements AutoCloseable {
    private static final String DONE = "classified";

    private final TextTokenizer tokenizer;
    private final ExampleReader reader;
    private final Labels labels;
    private final int maxLength;

    TextClassifier(Base base, Function<Pass, Call> calls, Labels labels, int rowsInFront, Runnable onClose) {
        this.tokenizer = base.tokenizer();
        this.reader = new ExampleReader(base.model(), calls, false, onClose);
        this.labels = labels;
        this.maxLength = base.model().contextLength() - rowsInFront;
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
        return Views.open(base, null, TaskType.SEQ_CLS, adapter).classifier();
    }

    /**
     * Opens a checkpoint that has a head by a name: of a directory, or of a repository of a hub, {@code hub:org/name} or {@code hub:org/name@revision}, which is
     * downloaded ({@link HubPath}).
     *
     * @throws IOException as {@link #open(Path)}, or if the hub does not have it or cannot be reached
     */
    public static TextClassifier open(String base) throws IOException {
        return open(base, null);
    }

    /**
     * The same by names: of a directory, or of a repository of a hub, {@code hub:org/name} or {@code hub:org/name@revision}, which is downloaded ({@link HubPath}).
     *
     * @param adapter null for none
     * @throws IOException as above, or if the hub does not have it or cannot be reached
     */
    public static TextClassifier open(String base, @Nullable String adapter) throws IOException {
        return open(HubPath.of(base), Views.path(adapter));
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

    /** The label of two texts together, such as a premise and what may follow from it. */
    public Prediction classify(String first, String second) {
        return predictions(() -> List.of(pair(first, second))).get(0);
    }

    /** The labels of texts, in their order; many at once are faster than one after the other. */
    public List<Prediction> classify(List<String> texts) {
        return predictions(() -> encode(texts));
    }

    private List<Prediction> predictions(Supplier<List<PackedBatch.Sequence>> texts) {
        if (labels.problem() == ProblemType.REGRESSION) {
            throw new BadInputException("labels were asked for, and this model predicts " + labels.outputs()
                    + (labels.outputs() == 1 ? " number" : " numbers") + " of a text. Use predict.");
        }
        return outputs(texts.get()).stream()
                .map(logits -> Prediction.of(labels, logits))
                .toList();
    }

    /**
     * The numbers that a regression model predicts of a text, one for each output.
     *
     * @throws BadInputException if the model predicts labels
     */
    public double[] predict(String text) {
        requireNumbers();
        return outputs(encode(List.of(text))).get(0);
    }

    /** The same of two texts together, such as how alike they are. */
    public double[] predict(String first, String second) {
        requireNumbers();
        return outputs(List.of(pair(first, second))).get(0);
    }

    private void requireNumbers() {
        if (labels.problem() != ProblemType.REGRESSION) {
            throw new BadInputException(
                    "numbers were asked for, and this model predicts the labels " + labels() + ". Use classify.");
        }
    }

    private List<PackedBatch.Sequence> encode(List<String> texts) {
        reader.requireOpen(DONE);
        return texts.stream()
                .map(text -> {
                    StoppedException.ifInterrupted(() -> texts.size() + " texts were to be classified");
                    return PackedBatch.Sequence.of(tokenizer.encode(text, true, maxLength));
                })
                .toList();
    }

    private PackedBatch.Sequence pair(String first, String second) {
        reader.requireOpen(DONE);
        TextTokenizer.Tokens both = tokenizer.encodePair(first, second, TextTokenizer.Cut.LONGER, maxLength);
        return PackedBatch.Sequence.of(both.ids()).withTokenTypes(both.types());
    }

    /** The outputs of the model for each text. */
    private List<double[]> outputs(List<PackedBatch.Sequence> texts) {
        return reader.outputs(texts, DONE).stream().map(rows -> rows[0]).toList();
    }

    /** Frees the working memory, and the model if it was opened with it. */
    @Override
    public void close() {
        reader.close();
    }
}
