package dev.peft4j;

import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.models.ModelInfo;
import dev.peft4j.models.NewHead;
import dev.peft4j.models.data.Classes;
import dev.peft4j.models.data.Labels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a {@link TextModel} and an {@link ImageModel} are made of: a directory, its base as it was read for heads of several sizes, and adapters by name. */
final class OpenModel implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(OpenModel.class);

    private final Path directory;
    private final ModelInfo info;
    private final List<Base> bases = new ArrayList<>(); // one, unless heads of several sizes are in use
    private final Map<String, Loaded> adapters = new TreeMap<>();
    private final Set<String> loading = new TreeSet<>(); // names of adapters that are being read
    private volatile boolean closed; // it is set, and what is above is read and changed, under the lock of this

    private OpenModel(Path directory, ModelInfo info) {
        this.directory = directory;
        this.info = info;
    }

    /** Opens a directory, of whose adapters the head is known already. */
    static OpenModel openFor(Path directory, @Nullable TaskType task, List<Path> adapters) throws IOException {
        return openFor(directory, task, adapters, info -> {});
    }

    /** The same for a kind of model, which is checked before weights are read. */
    static OpenModel openFor(Path directory, @Nullable TaskType task, List<Path> adapters, Consumer<ModelInfo> check)
            throws IOException {
        Base.requireModel(directory);
        ModelInfo info = ModelInfo.read(directory, task, adapters);
        check.accept(info);
        OpenModel model = new OpenModel(directory, info);
        int outputs = Classes.outputs(info, 0, adapters);
        if (!info.task().classifies() || outputs > 0 || info.head() > 0) {
            model.release(model.use(outputs, info.newHead(null, adapters)));
        }
        return model;
    }

    Path directory() {
        return directory;
    }

    ModelInfo info() {
        return info;
    }

    void requireOpen() {
        if (closed) {
            throw new WrongUseException("the model " + directory
                    + " was used after it was closed. Close it when nothing uses it any more.");
        }
    }

    private Base use(int outputs, @Nullable NewHead head) throws IOException {
        return use(outputs, null, head, 0); // of any kind
    }

    /**
     * The base for so many outputs of a kind, kept until it is released; one that nobody uses makes room for another.
     *
     * @param head form of the head; null for that of the checkpoint
     */
    synchronized Base use(int outputs, @Nullable ProblemType problem, @Nullable NewHead head, long seed)
            throws IOException {
        requireOpen();
        NewHead form = head == null || head.equals(info.form()) ? null : head;
        for (Base base : bases) {
            if (base.isAsReadFor(outputs, problem, form, seed)) {
                base.use();
                return base;
            }
        }
        List<Base> unused = bases.stream().filter(Base::isUnused).toList();
        bases.removeAll(unused);
        unused.forEach(Base::close);
        Base base = Base.open(directory, info.task(), outputs, problem, form, seed);
        bases.add(base);
        base.use();
        return base;
    }

    synchronized void release(Base base) {
        base.release();
    }

    /** Trains adapters together, which act in this order. */
    FineTuned fineTune(FineTuning.Source adapters, TrainingData data, Training training) throws IOException {
        requireOpen();
        return new FineTuning(this, adapters, data, training).run();
    }

    void load(String name, Path adapter) throws IOException {
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
        Base base = use(outputs > 0 ? outputs : info.head(), info.newHead(null, List.of(adapter)));
        try {
            base.adapters().load(name, adapter);
        } catch (IOException | RuntimeException | Error e) {
            release(base);
            throw e;
        }
        return new Loaded(base, labels, outputs > 0);
    }

    synchronized void unload(String name) {
        requireOpen();
        Loaded loaded = loaded(name);
        loaded.base().adapters().delete(name);
        loaded.base().release();
        adapters.remove(name);
    }

    synchronized Set<String> adapters() {
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

    /** Takes the adapters that have these names now. */
    synchronized Chosen choose(List<String> names) throws IOException {
        requireOpen();
        List<Base> of = names.stream().map(n -> loaded(n).base()).distinct().toList();
        if (of.size() > 1) {
            throw new BadInputException("the adapters " + names + " were to be used together, and their heads"
                    + " have different numbers of classes, or other layers. Use those of one task.");
        }
        Base base = of.isEmpty() ? use(info.head(), null) : of.get(0);
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
