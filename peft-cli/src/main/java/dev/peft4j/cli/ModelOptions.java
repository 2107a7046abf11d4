package dev.peft4j.cli;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.compose.Conflicts;
import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.weight.WeightFormat;
import dev.peft4j.models.LoadOptions;
import dev.peft4j.models.ModelInfo;
import dev.peft4j.models.Models;
import dev.peft4j.models.NewHead;
import dev.peft4j.models.data.Classes;
import dev.peft4j.models.data.Labels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Option;

/** Which model, and on how many threads. */
final class ModelOptions {
    private static final int MOST_THREADS = 1024;
    private static final Logger LOG = LoggerFactory.getLogger(ModelOptions.class);

    @Option(
            names = "--model",
            required = true,
            paramLabel = "DIR",
            description =
                    "Hugging Face directory: config.json, model.safetensors (or shards), tokenizer.json; or hub:ORG/NAME[@REVISION], which is downloaded")
    Place model = new Place("");

    @Option(
            names = "--task",
            paramLabel = "TASK",
            description =
                    "what the model is for: causal-lm, seq-cls, token-cls, question-ans, feature-extraction or masked-lm (default: what its adapters were trained for, or else its checkpoint)")
    @Nullable
    String task;

    @Option(
            names = "--classes",
            paramLabel = "N",
            description =
                    "classes of a classifier with a new head; 1 predicts a number (default: those of the adapter, of the checkpoint, or of the records)")
    int classes;

    @Option(names = "--threads", paramLabel = "N", description = "threads to compute with (default: all cores)")
    int threads;

    @Option(
            names = "--dtype",
            paramLabel = "KIND",
            description =
                    "how the weights of the base are kept in memory, and multiplied where the processor has instructions for"
                            + " it: f32; bf16, half as large; or auto: in 16 bits if the checkpoint has them so (default:"
                            + " ${DEFAULT-VALUE})")
    Dtype dtype = Dtype.AUTO;

    @Option(
            names = "--strict",
            description = "end with an error where --dtype bf16 cannot be multiplied in 16 bits, instead of in f32")
    boolean strict;

    private boolean trained;
    private boolean fromScratch;

    /** In which form weights are kept. */
    enum Dtype {
        AUTO,
        F32,
        BF16;

        /** @param trained whether the weights themselves are trained, in steps that are smaller than 16 bits can tell */
        WeightFormat format(boolean trained) {
            return switch (this) {
                case AUTO -> trained ? WeightFormat.full() : WeightFormat.stored();
                case F32 -> WeightFormat.full();
                case BF16 -> trained ? WeightFormat.autocast() : WeightFormat.bf16();
            };
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * What the model is for; null if it was not asked for.
     *
     * @throws BadInputException if there is no such task
     */
    private @Nullable TaskType task() {
        String asked = task;
        if (asked == null) {
            return null;
        }
        List<String> names = new ArrayList<>();
        for (TaskType t : TaskType.values()) {
            names.add(t.name().toLowerCase(Locale.ROOT).replace('_', '-'));
            if (names.contains(asked.toLowerCase(Locale.ROOT).replace('_', '-'))) {
                return t;
            }
        }
        throw new BadInputException("--task " + asked + " was asked for; there are " + String.join(", ", names) + "."
                + TargetModules.suggestion(asked, names) + " Give one of these.");
    }

    /** The directory of the model, which is downloaded first if it is on the hub. */
    Path directory() throws IOException {
        return model.directory();
    }

    /** What the directory says of the model, for the task that was asked for or that adapters were trained for. */
    ModelInfo info(List<Path> adapters) throws IOException {
        TaskType asked = task();
        return fromScratch
                ? ModelInfo.fromScratch(model.directory(), asked)
                : ModelInfo.read(model.directory(), asked, adapters);
    }

    /** All weights are to be trained, for which they are kept in single precision. */
    void trainAll() {
        trained = true;
    }

    /** Weights are random ones, whatever the directory has. */
    void forgetAll() {
        fromScratch = true;
    }

    /** Opens the model, with as many classes as its adapters have. */
    Model open(List<Path> adapters) throws IOException {
        ModelInfo info = info(adapters);
        int outputs = Classes.outputs(info, classes, adapters);
        return open(info.task(), outputs, Classes.problem(info, adapters), info.newHead(null, adapters), 0);
    }

    /**
     * Opens the model.
     *
     * @param opened the task of {@link #info}
     * @param labels what a classifier predicts
     * @param head form of its head; null for that of the checkpoint
     * @param seed of layers that the checkpoint does not have
     */
    Model open(TaskType opened, Labels labels, @Nullable NewHead head, long seed) throws IOException {
        return open(opened, labels.outputs(), opened.classifiesWhole() ? labels.problem() : null, head, seed);
    }

    /**
     * Opens the model.
     *
     * @param opened the task of {@link #info}
     * @param outputs of a classifier; 0 for those of the checkpoint
     * @param problem what a classifier of sequences predicts; null for what the checkpoint says
     * @param head form of its head; null for that of the checkpoint
     * @param seed of layers that the checkpoint does not have
     */
    private Model open(TaskType opened, int outputs, @Nullable ProblemType problem, @Nullable NewHead head, long seed)
            throws IOException {
        useThreads(threads);
        requireProducts();
        LoadOptions options = LoadOptions.defaults()
                .withFormat(dtype.format(trained))
                .withOutputs(outputs)
                .withSeed(seed)
                .withTask(opened)
                .withProblem(problem)
                .withNewHead(head);
        return fromScratch ? Models.fromScratch(model.directory(), options) : Models.load(model.directory(), options);
    }

    /**
     * Tells what becomes of {@code --dtype bf16} on a processor without products of 16 bits.
     *
     * @throws BadInputException if that is not to be
     */
    private void requireProducts() {
        if (strict && dtype != Dtype.BF16) {
            throw new BadInputException("--strict was given with --dtype " + dtype
                    + ", and it is about --dtype bf16 alone. Leave out --strict, or ask for bf16.");
        }
        Backend backend = Backend.auto();
        if (dtype != Dtype.BF16 || backend.matrices().bf16() != null) {
            return;
        }
        String found = "--dtype bf16 was asked for, and this processor has no products of 16 bits that the backend ("
                + backend.name() + ") could use";
        if (strict) {
            throw new BadInputException(found + ". Leave out --strict to keep weights in 16 bits and compute in f32.");
        }
        LOG.warn("{}: {}multiplied in f32", found, trained ? "" : "weights are kept in 16 bits and ");
    }

    /** Opens a model as its checkpoint is. */
    static Model open(Path directory) throws IOException {
        return Models.load(directory, LoadOptions.defaults().withFormat(WeightFormat.stored()));
    }

    /** How many threads the backend gets when it is made; 0 for all cores. */
    static void useThreads(int threads) {
        if (threads < 0 || threads > MOST_THREADS) {
            throw new BadInputException("--threads " + threads + " was asked for, and a number from 1 to "
                    + MOST_THREADS + " was expected. Leave it out to use all cores.");
        }
        if (threads > 0) {
            System.setProperty("peft4j.threads", String.valueOf(threads));
        }
    }

    /** The adapters of directories, frozen; the caller closes them. */
    static List<Adapter> adapters(List<Path> directories, Model model) throws IOException {
        List<Adapter> all = new ArrayList<>();
        try {
            for (Path directory : directories) {
                all.add(AdapterFiles.load(directory, model));
            }
            Conflicts.check(model, all);
        } catch (IOException | RuntimeException e) {
            all.forEach(Adapter::close);
            throw e;
        }
        all.forEach(Adapter::freeze);
        return all;
    }
}
