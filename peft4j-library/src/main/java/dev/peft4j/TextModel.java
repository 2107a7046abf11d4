package dev.peft4j;

import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.train.Strategy;
import dev.peft4j.models.GenerationConfig;
import dev.peft4j.models.ModelInfo;
import dev.peft4j.models.hub.HubPath;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A Hugging Face model directory: tokenizer, base, and adapters by name. The base never changes, so any number of threads may train on it, continue texts and
 * classify at the same time, each call with its own adapters. Whoever opened it closes it, after what was trained on it.
 */
public final class TextModel implements TextGeneration, AutoCloseable {
    private final OpenModel open;

    private TextModel(OpenModel open) {
        this.open = open;
    }

    /**
     * Opens a directory with {@code config.json}, {@code model.safetensors} (or shards) and {@code tokenizer.json}. A classifier without a head is read when
     * its number of classes is known.
     *
     * @throws BadFileException if it is no such directory, a file is damaged, or the family is not known
     */
    public static TextModel open(Path directory) throws IOException {
        return open(directory, null, List.of());
    }

    /**
     * Opens a directory for a task, whatever its checkpoint was made for; a head that it does not have is new.
     *
     * @throws BadFileException if the family does not serve the task
     */
    public static TextModel open(Path directory, TaskType task) throws IOException {
        return open(directory, task, List.of());
    }

    /**
     * Opens a model by a name: of a directory, or of a repository of a hub, {@code hub:org/name} or {@code hub:org/name@revision}, which is downloaded ({@link HubPath}).
     *
     * @throws IOException as {@link #open(Path)}, or if the hub does not have it or cannot be reached
     */
    public static TextModel open(String name) throws IOException {
        return open(HubPath.of(name));
    }

    /** The same for a task. */
    public static TextModel open(String name, TaskType task) throws IOException {
        return open(HubPath.of(name), task);
    }

    private static TextModel open(Path directory, @Nullable TaskType task, List<Path> adapters) throws IOException {
        return new TextModel(OpenModel.openFor(directory, task, adapters, info -> {
            if (info.task() == TaskType.IMAGE_CLS) {
                throw new BadInputException("a model of texts was to be opened, and " + directory + " is a "
                        + info.modelType() + " model, which reads images. Open it as an ImageModel.");
            }
        }));
    }

    /** The directory. */
    public Path directory() {
        return open.directory();
    }

    /** What the directory says of the model: family, task, labels. */
    public ModelInfo info() {
        return open.info();
    }

    /**
     * Trains a new adapter of any method.
     *
     * @param config of the method: {@code LoraConfig.of(8, 16)}
     * @param data records; a tenth is held out if nothing was
     * @return what was trained, also if the run was cancelled or the thread interrupted after its first step; the caller closes it
     * @throws BadInputException if config, records or settings do not fit the model
     * @throws IOException if a file cannot be read or written
     * @throws dev.peft4j.core.error.StoppedException if the thread is interrupted before the first step
     * @throws dev.peft4j.core.error.NonFiniteException if a value becomes infinite or not a number
     */
    public FineTuned fineTune(PeftConfig config, TrainingData data, Training training) throws IOException {
        return fineTune(List.of(config), data, training);
    }

    /** Trains several new adapters together, which act in this order. */
    public FineTuned fineTune(List<PeftConfig> configs, TrainingData data, Training training) throws IOException {
        return open.fineTune(FineTuning.newAdapters(List.copyOf(configs)), data, training);
    }

    /**
     * Goes on training an adapter that was saved, by this library or by PEFT; its files stay as they are.
     *
     * @throws BadFileException if the directory holds no adapter for this base
     */
    public FineTuned fineTune(Path adapter, TrainingData data, Training training) throws IOException {
        return open.fineTune(FineTuning.saved(adapter), data, training);
    }

    /**
     * Trains tensors of the model itself, as copies: the base stays as it is for others. What was trained is written as a whole model, by
     * {@link FineTuned#saveMerged} or {@link Training#outputDir}.
     *
     * @param strategy which tensors, and when: {@code Strategy.parse("head@1>full,decay=0.8")}
     * @throws BadInputException if the strategy trains nothing of this model, or what it does not have
     */
    public FineTuned fineTune(Strategy strategy, TrainingData data, Training training) throws IOException {
        return open.fineTune(FineTuning.stages(strategy), data, training);
    }

    /**
     * Trains a new adapter on a thread of an executor. Cancelling the future ends the run behind the step that it is in, keeps its state if it has a directory, and
     * closes what it has trained; else whoever takes the result closes it. Progress comes to the listeners of the training.
     */
    public CompletableFuture<FineTuned> fineTuneAsync(
            PeftConfig config, TrainingData data, Training training, Executor executor) {
        return FutureRun.start(t -> fineTune(config, data, t), training, executor);
    }

    /** The same with a strategy. */
    public CompletableFuture<FineTuned> fineTuneAsync(
            Strategy strategy, TrainingData data, Training training, Executor executor) {
        return FutureRun.start(t -> fineTune(strategy, data, t), training, executor);
    }

    /**
     * Reads an adapter under a name, by which calls choose it.
     *
     * @throws BadFileException if the directory holds no adapter for this base
     * @throws BadInputException if the name is taken, or not made of letters, digits, _ and -
     */
    public void load(String name, Path adapter) throws IOException {
        open.load(name, adapter);
    }

    /** The same for an adapter by a name, as {@link #open(String)} takes it. */
    public void load(String name, String adapter) throws IOException {
        load(name, HubPath.of(adapter));
    }

    /** Takes an adapter out. A text that it is still in use for ends with an {@link WrongUseException}, never with another adapter. */
    public void unload(String name) {
        open.unload(name);
    }

    /** Names of the adapters that were loaded. */
    public Set<String> adapters() {
        return open.adapters();
    }

    /** Texts by some of the adapters, which act in this order; by the base alone if none is named. It holds nothing that has to be closed. */
    public TextGeneration with(String... names) {
        return Views.texts(open, List.copyOf(Arrays.asList(names)));
    }

    @Override
    public String generateWhile(String prompt, GenerationConfig config, Predicate<String> onText) {
        return with().generateWhile(prompt, config, onText);
    }

    /**
     * The classifier with some of the adapters; that of the checkpoint if none is named.
     *
     * @throws BadInputException if the model is none that classifies, or has no trained head with them
     * @throws IOException if the base has to be read again, for a head of another size, and cannot be
     */
    public TextClassifier classifier(String... names) throws IOException {
        return parts(TaskType.SEQ_CLS, names).classifier();
    }

    /**
     * Answers in conversations, by some of the adapters.
     *
     * @throws BadFileException if the checkpoint has no chat template
     */
    public ChatGeneration chat(String... names) throws IOException {
        Views.require(open.info(), TaskType.CAUSAL_LM);
        return Views.chat(open, List.copyOf(Arrays.asList(names)));
    }

    /** The same for tags of words, of a model that was opened for {@link TaskType#TOKEN_CLS}. */
    public TokenTagger tagger(String... names) throws IOException {
        return parts(TaskType.TOKEN_CLS, names).tagger();
    }

    /** The same for answers to questions, of a model that was opened for {@link TaskType#QUESTION_ANS}. */
    public QuestionAnswerer answerer(String... names) throws IOException {
        return parts(TaskType.QUESTION_ANS, names).answerer();
    }

    /** The same for vectors of texts, of a model that was opened for {@link TaskType#FEATURE_EXTRACTION}. */
    public TextEncoder encoder(String... names) throws IOException {
        return parts(TaskType.FEATURE_EXTRACTION, names).encoder();
    }

    private Views.Parts parts(TaskType task, String... names) throws IOException {
        return open.parts(task, () -> {}, List.copyOf(Arrays.asList(names)));
    }

    /** Frees tokenizer, base and adapters. What still uses them ends with an {@link WrongUseException}, behind the step that it is in. */
    @Override
    public void close() {
        open.close();
    }
}
