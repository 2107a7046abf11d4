package dev.peft4j;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.compose.MergedAdapter;
import dev.peft4j.core.compose.MergedModel;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.train.Strategy;
import dev.peft4j.models.GenerationConfig;
import dev.peft4j.models.chat.ChatTemplate;
import dev.peft4j.models.data.Classes;
import dev.peft4j.models.data.Labels;
import dev.peft4j.run.TrainedAdapters;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What came of a training: an adapter, or several that act together, or the tensors that a strategy trained, on the base of a {@link TextModel} or {@link ImageModel},
 * which has to be open as long as this is used. Whoever trained it closes it, which frees what was trained; what was saved stays.
 */
public final class FineTuned implements TextGeneration, AutoCloseable {
    private final OpenModel owner;
    private final Base base;
    private final TrainedAdapters adapters;
    private final Labels labels;
    private final @Nullable Strategy strategy;
    private final Report report;
    private volatile boolean closed;

    FineTuned(
            OpenModel owner,
            Base base,
            TrainedAdapters adapters,
            Labels labels,
            @Nullable Strategy strategy,
            Report report) {
        this.owner = owner;
        this.base = base;
        this.adapters = adapters;
        this.labels = labels;
        this.strategy = strategy;
        this.report = report;
    }

    private void requireOpen() {
        owner.requireOpen();
        if (closed) {
            throw new WrongUseException(
                    "what was trained was used after it was closed. Close it when nothing uses it any more.");
        }
    }

    /** What the run came to: the base and what was trained, on the same held-out records. */
    public Report report() {
        return report;
    }

    private Function<Pass, Call> calls() {
        List<Adapter> all = adapters.all();
        return pass -> Call.of(pass, all);
    }

    @Override
    public String generateWhile(String prompt, GenerationConfig config, Predicate<String> onText) {
        requireOpen();
        return new CallGeneration(base.model(), base.tokenizer(), calls()).generateWhile(prompt, config, onText);
    }

    /**
     * The classifier that was trained.
     *
     * @throws BadInputException if a language model was trained
     */
    public TextClassifier classifier() {
        return parts(TaskType.SEQ_CLS).classifier();
    }

    /** The classifier that was trained, on an {@link ImageModel}. */
    public ImageClassifier imageClassifier() {
        return parts(TaskType.IMAGE_CLS).imageClassifier();
    }

    /** Answers in conversations, by what was trained. */
    public ChatGeneration chat() throws IOException {
        requireOpen();
        Views.require(owner.info(), TaskType.CAUSAL_LM);
        return new ChatGeneration(ChatTemplate.open(owner.directory()), use -> {
            requireOpen();
            return use.apply(new CallGeneration(base.model(), base.tokenizer(), calls()));
        });
    }

    /** The tagger that was trained, on a model that was opened for {@link TaskType#TOKEN_CLS}. */
    public TokenTagger tagger() {
        return parts(TaskType.TOKEN_CLS).tagger();
    }

    /** What was trained to answer questions, on a model that was opened for {@link TaskType#QUESTION_ANS}. */
    public QuestionAnswerer answerer() {
        return parts(TaskType.QUESTION_ANS).answerer();
    }

    /** What was trained to give vectors, on a model that was opened for {@link TaskType#FEATURE_EXTRACTION}. */
    public TextEncoder encoder() {
        return parts(TaskType.FEATURE_EXTRACTION).encoder();
    }

    private Views.Parts parts(TaskType task) {
        requireOpen();
        Views.require(owner.info(), task);
        return new Views.Parts(base, calls(), labels, adapters.rowsInFront(), () -> {});
    }

    /**
     * Writes the adapter, with the names of its labels; PEFT opens it. Several go into one directory each, by the names of their methods.
     *
     * @throws dev.peft4j.core.error.BadFileException if the directory holds other files than an adapter
     * @throws WrongUseException if it is a strategy that was trained
     */
    public void save(Path directory) throws IOException {
        requireOpen();
        if (strategy != null) {
            throw new WrongUseException("an adapter was to be saved, and the strategy " + strategy
                    + " trained tensors of the base, which are no adapter. Write the whole model: saveMerged("
                    + directory + ").");
        }
        adapters.save(
                directory,
                base.model(),
                Classes.notes(labels, base.model().head().fields()));
    }

    /**
     * Writes a model of its own, with what was trained in its weights and the names of its labels in {@code config.json}; needs no adapter library.
     *
     * @throws dev.peft4j.core.error.BadFileException if the directory holds files
     */
    public void saveMerged(Path directory) throws IOException {
        requireOpen();
        MergedModel.checkOutput(directory);
        try (MergedAdapter merged = MergedAdapter.of(base.model(), adapters.all())) {
            MergedModel.write(directory, base.model(), merged, labels.names());
        }
    }

    /** Frees what was trained. What still uses them ends with an {@link WrongUseException}, behind the step that it is in. */
    @Override
    public void close() {
        synchronized (adapters) {
            if (!closed) {
                closed = true;
                adapters.close();
                owner.release(base);
            }
        }
    }
}
