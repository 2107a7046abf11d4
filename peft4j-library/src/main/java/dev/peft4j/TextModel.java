package dev.peft4j;

import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.models.GenerationConfig;
import dev.peft4j.models.ModelInfo;
import dev.peft4j.models.data.Classes;
import dev.peft4j.models.data.Labels;
import dev.peft4j.models.hub.HubPath;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A Hugging Face model directory: tokenizer, base, and adapters by name. The base never changes, so any number of threads may train on it, continue texts and
 * classify at the same time, each call with its own adapters. Whoever opened it closes it, after what was trained on it.
 */
public final class TextModel implements TextGeneration, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(TextModel.class);

    private final Path directory;
    private final ModelInfo info;
    private final List<Base> bases = new ArrayList<>(); // one, unless heads of several sizes are in use
    private final Map<String, Loaded> adapters = new TreeMap<>();
    private final Set<String> loading = new TreeSet<>(); // names of adapters that are being read
    private volatile boolean closed; // it is set, and what is above is read and changed, under the lock of this

    private TextModel(Path directory, ModelInfo info) {
        this.directory = directory;
        this.info = info;
    }

    /**
     * Opens a directory with {@code config.json}, {@code model.safetensors} (or shards) and {@code tokenizer.json}. A classifier without a head is read when
     * its number of classes is known.
     *
     * @throws BadFileException if it is no such directory, a file is damaged, or the family is not known
     */
    public static TextModel open(Path directory) throws IOException {
        return openFor(directory, null, List.of());
    }

    /**
     * Opens a directory for a task, whatever its checkpoint was made for; a head that it does not have is new.
     *
     * @throws BadFileException if the family does not serve the task
     */
    public static TextModel open(Path directory, TaskType task) throws IOException {
        return openFor(directory, task, List.of());
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

    /** Opens a directory, of whose adapters the head is known already. */
    static TextModel openFor(Path directory, @Nullable TaskType task, List<Path> adapters) throws IOException {
        Base.requireModel(directory);
        ModelInfo info = ModelInfo.read(directory, task, adapters);
        TextModel model = new TextModel(directory, info);
        int outputs = Classes.outputs(info, 0, adapters);
        if (!info.task().classifies() || outputs > 0 || info.head() > 0) {
            model.release(model.use(outputs, 0));
        }
        return model;
    }

    /** The directory. */
    public Path directory() {
        return directory;
    }

    /** What the directory says of the model: family, task, labels. */
    public ModelInfo info() {
        return info;
    }

    void requireOpen() {
        if (closed) {
            throw new WrongUseException("the model " + directory
                    + " was used after it was closed. Close it when nothing uses it any more.");
        }
    }

    Base use(int outputs, long seed) throws IOException {
        return use(outputs, null, seed); // of any kind
    }

    /** The base for so many outputs of a kind, kept until it is released; one that nobody uses makes room for another. */
    synchronized Base use(int outputs, @Nullable ProblemType problem, long seed) throws IOException {
        requireOpen();
        for (Base base : bases) {
            if (base.isAsReadFor(outputs, problem, seed)) {
                base.use();
                return base;
            }
        }
        List<Base> unused = bases.stream().filter(Base::isUnused).toList();
        bases.removeAll(unused);
        unused.forEach(Base::close);
        Base base = Base.open(directory, info.task(), outputs, problem, seed);
        bases.add(base);
        base.use();
        return base;
    }

    synchronized void release(Base base) {
        base.release();
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
        requireOpen();
        return new FineTuning(this, FineTuning.newAdapters(List.copyOf(configs)), data, training).run();
    }

    /**
     * Goes on training an adapter that was saved, by this library or by PEFT; its files stay as they are.
     *
     * @throws BadFileException if the directory holds no adapter for this base
     */
    public FineTuned fineTune(Path adapter, TrainingData data, Training training) throws IOException {
        requireOpen();
        return new FineTuning(this, FineTuning.saved(adapter), data, training).run();
    }

    /**
     * Trains a new adapter on a thread of an executor. Cancelling the future ends the run behind the step that it is in, keeps its state if it has a directory, and
     * closes what it has trained; else whoever takes the result closes it. Progress comes to the listeners of the training.
     */
    public CompletableFuture<FineTuned> fineTuneAsync(
            PeftConfig config, TrainingData data, Training training, Executor executor) {
        return FutureRun.start(t -> fineTune(config, data, t), training, executor);
    }

    /**
     * Reads an adapter under a name, by which calls choose it.
     *
     * @throws BadFileException if the directory holds no adapter for this base
     * @throws BadInputException if the name is taken, or not made of letters, digits, _ and -
     */
    public void load(String name, Path adapter) throws IOException {
        take(name);
        try {
            Loaded loaded = read(name, adapter);
            synchronized (this) {
                requireOpen(); // else it was closed with the base
                adapters.put(name, loaded);
            }
        } finally {
            synchronized (this) {
                loading.remove(name);
            }
        }
        LOG.info("loaded {} as {}", adapter, name);
    }

    /** The same for an adapter by a name, as {@link #open(String)} takes it. */
    public void load(String name, String adapter) throws IOException {
        load(name, HubPath.of(adapter));
    }

    private synchronized void take(String name) {
        requireOpen();
        Loaded.requireFree(name, loading, adapters.keySet());
        loading.add(name);
    }

    /** Reads an adapter while others use those that are there; they wait where a base has to be read for it. */
    private Loaded read(String name, Path adapter) throws IOException {
        info.requireTaskOf(directory, List.of(adapter));
        boolean classifies = info.task().classifies();
        int outputs = Classes.outputs(info, 0, List.of(adapter));
        Labels labels = classifies && (outputs > 0 || info.head() > 0) ? Classes.known(info, List.of(adapter)) : null;
        Base base = use(outputs > 0 ? outputs : info.head(), 0);
        try {
            base.adapters().load(name, adapter);
        } catch (IOException | RuntimeException | Error e) {
            release(base);
            throw e;
        }
        return new Loaded(base, labels, outputs > 0);
    }

    /** Takes an adapter out. A text that it is still in use for ends with an {@link WrongUseException}, never with another adapter. */
    public synchronized void unload(String name) {
        requireOpen();
        Loaded loaded = loaded(name);
        loaded.base().adapters().delete(name);
        loaded.base().release();
        adapters.remove(name);
    }

    /** Names of the adapters that were loaded. */
    public synchronized Set<String> adapters() {
        return new TreeSet<>(adapters.keySet());
    }

    private Loaded loaded(String name) {
        Loaded loaded = adapters.get(name);
        if (loaded == null) {
            throw new BadInputException(
                    "the adapter \"" + name + "\" was asked for; there are " + adapters.keySet() + ". Load it first.");
        }
        return loaded;
    }

    /** Texts by some of the adapters, which act in this order; by the base alone if none is named. It holds nothing that has to be closed. */
    public TextGeneration with(String... names) {
        return Views.texts(this, List.copyOf(Arrays.asList(names)));
    }

    /** Takes the adapters that have these names now. */
    synchronized Chosen choose(List<String> names) throws IOException {
        requireOpen();
        List<Base> of = names.stream().map(n -> loaded(n).base()).distinct().toList();
        if (of.size() > 1) {
            throw new BadInputException("the adapters " + names + " were to be used together, and their heads"
                    + " have different numbers of classes. Use those of one task.");
        }
        Base base = of.isEmpty() ? use(info.head(), 0) : of.get(0);
        if (!of.isEmpty()) {
            base.use();
        }
        try {
            return new Chosen(this, base, names);
        } catch (RuntimeException | Error e) {
            release(base);
            throw e;
        }
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
        Views.require(info, TaskType.CAUSAL_LM);
        return Views.chat(this, List.copyOf(Arrays.asList(names)));
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
        return parts(task, () -> {}, List.copyOf(Arrays.asList(names)));
    }

    /**
     * What a view of some adapters is made of.
     *
     * @param onClose what closing it does
     */
    synchronized Views.Parts parts(TaskType task, Runnable onClose, List<String> names) throws IOException {
        requireOpen();
        Views.require(info, task);
        Labels labels = task.classifies()
                ? Loaded.labels(info, names.stream().map(this::loaded).toList())
                : Labels.none();
        Chosen c = choose(names).withHeadOf(task);
        return new Views.Parts(c.base(), c.calls(), labels, c.rowsInFront(), () -> {
            c.close();
            onClose.run();
        });
    }

    /** Frees tokenizer, base and adapters. What still uses them ends with an {@link WrongUseException}, behind the step that it is in. */
    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            adapters.clear();
            bases.forEach(Base::close);
        }
    }
}
