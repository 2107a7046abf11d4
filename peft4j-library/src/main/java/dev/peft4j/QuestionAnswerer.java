package dev.peft4j;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.models.data.AnswerEncoder;
import dev.peft4j.models.hub.HubPath;
import dev.peft4j.run.BestSpan;
import dev.peft4j.run.ExampleReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Finds the part of a text that answers a question. Texts of any length are read in parts that overlap. Any number of threads may use one. Whoever opened it, or got
 * it from a {@link FineTuned} or {@link TextModel}, closes it.
 */
public final class QuestionAnswerer implements AutoCloseable {
    private static final String DONE = "searched for an answer";
    private static final int LONGEST = 384; // tokens of a part, as in transformers' run_qa

    private final AnswerEncoder encoder;
    private final ExampleReader reader;

    QuestionAnswerer(Base base, Function<Pass, Call> calls, int rowsInFront, Runnable onClose) {
        int context = base.model().contextLength() - rowsInFront;
        this.encoder = new AnswerEncoder(base.tokenizer(), Math.min(context, LONGEST));
        this.reader = new ExampleReader(base.model(), calls, true, onClose);
    }

    /**
     * Opens a base and an adapter of a model that answers questions.
     *
     * @param adapter null for a checkpoint that has a head
     * @throws dev.peft4j.core.error.BadFileException if a directory holds no such thing, or the adapter is for another base
     */
    public static QuestionAnswerer open(Path base, @Nullable Path adapter) throws IOException {
        return Views.open(base, TaskType.QUESTION_ANS, TaskType.QUESTION_ANS, adapter)
                .answerer();
    }

    /**
     * The same by names: of a directory, or of a repository of a hub, {@code hub:org/name} or {@code hub:org/name@revision}, which is downloaded ({@link HubPath}).
     *
     * @param adapter null for a checkpoint that has a head
     * @throws IOException as above, or if the hub does not have it or cannot be reached
     */
    public static QuestionAnswerer open(String base, @Nullable String adapter) throws IOException {
        return open(HubPath.of(base), Views.path(adapter));
    }

    /**
     * The best answer, which is none if the model finds it more probable that the text has none.
     *
     * @throws BadInputException if one of both is empty
     * @throws WrongUseException if it is closed
     */
    public Span answer(String question, String text) {
        Span best = answerIfAny(question, text);
        return best.score() > 0 ? best : new Span("", -1, -1, best.score());
    }

    /** The best answer, also where none is more probable: for models that were trained with texts that always have one. */
    public Span answerIfAny(String question, String text) {
        reader.requireOpen(DONE);
        if (question.isBlank() || text.isBlank()) {
            throw new BadInputException("an answer was asked for, and the " + (question.isBlank() ? "question" : "text")
                    + " is empty. Give both.");
        }
        List<AnswerEncoder.Window> windows = encoder.windows(question, text);
        List<double[][]> outputs = reader.outputs(
                windows.stream()
                        .map(w -> PackedBatch.Sequence.of(w.ids()).withTokenTypes(w.types()))
                        .toList(),
                DONE);
        BestSpan best = BestSpan.of(text, windows, outputs);
        return new Span(text.substring(best.begin(), best.end()), best.begin(), best.end(), best.score());
    }

    /** Frees the working memory, and the model if it was opened with it. */
    @Override
    public void close() {
        reader.close();
    }
}
