package dev.peft4j.models;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.Checkpoint;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.weight.Weights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens Hugging Face model directories. */
public final class Models {
    private static final Logger LOG = LoggerFactory.getLogger(Models.class);

    private static final double DEVIATION = 0.02; // initializer_range of most families

    private Models() {}

    /**
     * Reads a model on the default backend; the caller closes it.
     *
     * @see #load(Path, LoadOptions)
     */
    public static Model load(Path directory) throws IOException {
        return load(directory, LoadOptions.defaults());
    }

    /**
     * Reads {@code config.json} and the weights of a directory; the caller closes the model. Layers that the checkpoint does not have, such as a classifier,
     * are said in the log and in {@link Model#newModules}.
     *
     * @throws dev.peft4j.core.error.BadFileException if a file is missing or damaged, a tensor is missing or has other dimensions, or the
     *     family is not known
     */
    public static Model load(Path directory, LoadOptions options) throws IOException {
        Backend backend = options.backend();
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            ModelConfig config = ModelConfig.read(directory).withProblem(options.problem());
            config.requirePlain();
            Weights weights = Weights.of(checkpoint, backend, options.format());
            try {
                Model model = create(config, weights, options);
                List<String> unused = unused(config, checkpoint, model);
                weights.keep(kept(config, options, unused, model));
                unused.removeIf(name -> name.endsWith(".num_batches_tracked")); // kept, and used by nobody
                if (!unused.isEmpty()) {
                    LOG.warn("{}: {} tensors of the checkpoint are not used: {}", directory, unused.size(), unused);
                }
                if (!model.newModules().isEmpty()) {
                    LOG.warn(
                            "{}: the checkpoint does not have {}, which start with random values: train them, or use an adapter that has them",
                            directory,
                            model.newModules());
                }
                return model;
            } catch (IOException | RuntimeException | Error e) {
                weights.close();
                throw e;
            }
        }
    }

    private static List<String> unused(ModelConfig config, Checkpoint checkpoint, Model model) throws IOException {
        try {
            return new UnusedTensors(config, checkpoint).of(model.weights().unread());
        } catch (IOException | RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    /** What a file that is made of the model has besides: all, but for a head of another form than was asked for. */
    private static List<String> kept(ModelConfig config, LoadOptions options, List<String> unused, Model model)
            throws IOException {
        if (options.head() == null || options.head().equals(NewHead.read(config))) {
            return unused;
        }
        return unused.stream()
                .filter(name -> model.taskModules().stream()
                        .noneMatch(
                                m -> model.traits().namesElsewhere().ours(name).startsWith(m + ".")))
                .toList();
    }

    /** Reads a model with its matrices as the checkpoint has them; the caller closes it. */
    public static Model load(Path directory, Backend backend, int outputs, long seed) throws IOException {
        return load(directory, LoadOptions.on(backend).withOutputs(outputs).withSeed(seed));
    }

    /**
     * A model of random weights, to be trained from nothing: matrices N(0, 0.02²), norms 1, biases 0; the caller closes it.
     *
     * @param directory that it will be written to
     * @param config what its {@code config.json} says
     */
    public static Model random(Path directory, Map<String, Object> config, Backend backend, long seed)
            throws IOException {
        return random(ModelConfig.of(directory, config), LoadOptions.on(backend).withSeed(seed));
    }

    /**
     * A model of random weights as {@code config.json} of a directory describes it, to be trained from nothing; what weights the directory has are not read. The
     * caller closes it.
     *
     * @param options of the seed, the task and its outputs; weights are kept in single precision
     * @throws dev.peft4j.core.error.BadFileException if the file is missing or damaged, or the family is not known
     */
    public static Model fromScratch(Path directory, LoadOptions options) throws IOException {
        ModelConfig config = ModelConfig.read(directory).withProblem(options.problem());
        config.requirePlain();
        return random(config, options);
    }

    private static Model random(ModelConfig config, LoadOptions options) throws IOException {
        Weights weights = Weights.random(config.directory(), options.backend().dtype(), DEVIATION, options.seed());
        try {
            return create(config, weights, options);
        } catch (IOException | RuntimeException | OutOfMemoryError e) {
            weights.close();
            throw e;
        }
    }

    private static Model create(ModelConfig config, Weights weights, LoadOptions options) throws IOException {
        ModelFamily family = Families.of(config);
        TaskType asked = options.task();
        TaskType task = asked == null ? family.task(config) : asked;
        if (family.traits().head(task) == null) {
            throw config.bad("a model for " + task + " was asked for; this family serves "
                    + new TreeSet<>(family.traits().heads().keySet()) + ". Use one of these tasks.");
        }
        if (asked == null) {
            requireHead(config, weights, family.traits(), task);
        }
        NewHead own = task.classifiesWhole() ? NewHead.read(config) : NewHead.usual();
        NewHead head = options.head() == null ? own : options.head();
        if (options.head() != null) {
            head.requireTask(config.text("model_type", ""), task);
        }
        boolean isNew = !head.equals(own);
        if (isNew) {
            requireNone(
                    config,
                    weights,
                    options,
                    own,
                    Objects.requireNonNull(family.traits().head(task)));
        }
        return family.load(new ModelSource(
                config, weights, options.backend(), task, options.outputs(), options.seed(), head, isNew));
    }

    /** A head of the checkpoint makes room for a new one only if that has another number of outputs. */
    private static void requireNone(
            ModelConfig config, Weights weights, LoadOptions options, NewHead own, FamilyTraits.Head named)
            throws IOException {
        NewHead head = Objects.requireNonNull(options.head());
        String output = own.output(named.module());
        long found = weights.rowsInCheckpoint(output + ".weight");
        if (found > 0 && found == config.outputs(options.outputs())) {
            throw new BadInputException(head + " was asked for, and the checkpoint " + config.directory()
                    + " has a head of its own, " + output + " with " + found + " outputs. Leave that out to go on"
                    + " with this head, or use a checkpoint without one.");
        }
        if (weights.has(head.output(named.module()) + ".weight")
                && own.layers().isEmpty()
                && !head.layers().isEmpty()) {
            throw new BadInputException(head + " was asked for, and the checkpoint " + config.directory() + " has "
                    + head.output(named.module()) + " already. To read it, write \"" + NewHead.LAYERS + "\": "
                    + head.layers() + " into its config.json and leave that out.");
        }
    }

    /** A language model whose config names the class of a classifier is not taken for one: its head would be made up. */
    private static void requireHead(ModelConfig config, Weights weights, FamilyTraits traits, TaskType task)
            throws IOException {
        FamilyTraits.Head head = traits.head(task);
        NewHead form = task.classifiesWhole() ? NewHead.read(config) : NewHead.usual();
        boolean predictsTokens = traits.head(TaskType.CAUSAL_LM) != null;
        boolean there = weights.isNew() || (head != null && weights.has(form.output(head.module()) + ".weight"));
        if (head != null && task != TaskType.CAUSAL_LM && predictsTokens && !there) {
            throw config.bad("the architecture " + head.className() + " was named, and the checkpoint has no "
                    + head.module() + ".weight. Use the checkpoint of a classifier, or open this one for the task "
                    + task + ", which makes a new head.");
        }
    }
}
