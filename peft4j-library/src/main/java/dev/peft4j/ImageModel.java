package dev.peft4j;

import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.train.Strategy;
import dev.peft4j.models.ModelInfo;
import dev.peft4j.models.hub.HubPath;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/**
 * A model directory of images: base, preparation of images, and adapters by name. The base never changes, so any number of threads may train on it and classify at
 * the same time, each call with its own adapters. Whoever opened it closes it, after what was trained on it.
 */
public final class ImageModel implements AutoCloseable {
    private final OpenModel open;

    private ImageModel(OpenModel open) {
        this.open = open;
    }

    /**
     * Opens a directory with {@code config.json}, {@code model.safetensors} (or shards) and, if images are not prepared as is usual, {@code preprocessor_config.json}.
     * A classifier without a head is read when its number of classes is known.
     *
     * @throws dev.peft4j.core.error.BadFileException if it is no such directory, a file is damaged, or the family is not known
     * @throws BadInputException if it is a model of texts
     */
    public static ImageModel open(Path directory) throws IOException {
        return new ImageModel(OpenModel.openFor(directory, null, List.of(), info -> {
            if (info.task() != TaskType.IMAGE_CLS) {
                throw new BadInputException("a model of images was to be opened, and " + directory + " is a "
                        + info.modelType() + " model, which reads texts. Open it as a TextModel.");
            }
        }));
    }

    /**
     * Opens a model by a name: of a directory, or of a repository of a hub, {@code hub:org/name} or {@code hub:org/name@revision}, which is downloaded ({@link HubPath}).
     *
     * @throws IOException as {@link #open(Path)}, or if the hub does not have it or cannot be reached
     */
    public static ImageModel open(String name) throws IOException {
        return open(HubPath.of(name));
    }

    /** The directory. */
    public Path directory() {
        return open.directory();
    }

    /** What the directory says of the model: family, labels. */
    public ModelInfo info() {
        return open.info();
    }

    /**
     * Trains a new adapter of any method that acts at layers.
     *
     * @param config of the method: {@code LoraConfig.of(8, 16)}
     * @param data images, {@code Dataset.images(folder)}; a tenth is held out if nothing was
     * @return what was trained, also if the run was cancelled or the thread interrupted after its first step; the caller closes it
     * @throws BadInputException if config, images or settings do not fit the model
     * @throws IOException if a file cannot be read or written
     * @throws dev.peft4j.core.error.StoppedException if the thread is interrupted before the first step
     * @throws dev.peft4j.core.error.NonFiniteException if a value becomes infinite or not a number
     */
    public FineTuned fineTune(PeftConfig config, Dataset data, Training training) throws IOException {
        return open.fineTune(FineTuning.newAdapters(List.of(config)), data, training);
    }

    /**
     * Goes on training an adapter that was saved, by this library or by PEFT; its files stay as they are.
     *
     * @throws dev.peft4j.core.error.BadFileException if the directory holds no adapter for this base
     */
    public FineTuned fineTune(Path adapter, Dataset data, Training training) throws IOException {
        return open.fineTune(FineTuning.saved(adapter), data, training);
    }

    /**
     * Trains tensors of the model itself, as copies: the base stays as it is for others. What was trained is written as a whole model, by
     * {@link FineTuned#saveMerged} or {@link Training#outputDir}.
     *
     * @param strategy which tensors, and when: {@code Strategy.parse("head@1>last:3")}
     * @throws BadInputException if the strategy trains nothing of this model, or what it does not have
     */
    public FineTuned fineTune(Strategy strategy, Dataset data, Training training) throws IOException {
        return open.fineTune(FineTuning.stages(strategy), data, training);
    }

    /**
     * Trains a new adapter on a thread of an executor. Cancelling the future ends the run behind the step that it is in, keeps its state if it has a directory, and
     * closes what it has trained; else whoever takes the result closes it.
     */
    public CompletableFuture<FineTuned> fineTuneAsync(
            PeftConfig config, Dataset data, Training training, Executor executor) {
        return FutureRun.start(t -> fineTune(config, data, t), training, executor);
    }

    /** The same with a strategy. */
    public CompletableFuture<FineTuned> fineTuneAsync(
            Strategy strategy, Dataset data, Training training, Executor executor) {
        return FutureRun.start(t -> fineTune(strategy, data, t), training, executor);
    }

    /**
     * Reads an adapter under a name, by which calls choose it.
     *
     * @throws dev.peft4j.core.error.BadFileException if the directory holds no adapter for this base
     * @throws BadInputException if the name is taken, or not made of letters, digits, _ and -
     */
    public void load(String name, Path adapter) throws IOException {
        open.load(name, adapter);
    }

    /** Takes an adapter out. Images that it is still in use for end with an {@link WrongUseException}, never with another adapter. */
    public void unload(String name) {
        open.unload(name);
    }

    /** Names of the adapters that were loaded. */
    public Set<String> adapters() {
        return open.adapters();
    }

    /**
     * The classifier with some of the adapters; that of the checkpoint if none is named.
     *
     * @throws BadInputException if the model has no trained head with them
     * @throws IOException if the base has to be read again, for a head of another size, and cannot be
     */
    public ImageClassifier classifier(String... names) throws IOException {
        return open.parts(TaskType.IMAGE_CLS, () -> {}, List.copyOf(Arrays.asList(names)))
                .imageClassifier();
    }

    /** Frees base and adapters. What still uses them ends with an {@link WrongUseException}, behind the step that it is in. */
    @Override
    public void close() {
        open.close();
    }
}
