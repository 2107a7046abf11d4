package dev.peft4j;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.compose.Conflicts;
import dev.peft4j.core.compose.PeftModel;
import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.models.LoadOptions;
import dev.peft4j.models.ModelInput;
import dev.peft4j.models.Models;
import dev.peft4j.models.NewHead;
import dev.peft4j.models.TextTokenizer;
import dev.peft4j.models.hub.HubName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A base with what turns records into its inputs, as it was read for a number of outputs, and the adapters by name that belong to it. */
final class Base implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Base.class);

    private final Model model;
    private final ModelInput input;
    private final PeftModel adapters;
    private final @Nullable NewHead head; // the form of it that was asked for
    private final long seed; // of what the checkpoint does not have
    private int users; // under the lock of the owner

    private Base(Model model, ModelInput input, @Nullable NewHead head, long seed) {
        this.model = model;
        this.input = input;
        this.adapters = new PeftModel(model);
        this.head = head;
        this.seed = seed;
    }

    /**
     * Reads it.
     *
     * @param outputs of a classifier; 0 for those of the checkpoint, or for a language model
     * @param problem what a classifier of sequences predicts; null for what the checkpoint says
     * @param head form of its head; null for that of the checkpoint
     */
    static Base open(
            Path directory,
            TaskType task,
            int outputs,
            @Nullable ProblemType problem,
            @Nullable NewHead head,
            long seed)
            throws IOException {
        LoadOptions options = LoadOptions.on(Backend.auto())
                .withOutputs(outputs)
                .withSeed(seed)
                .withProblem(problem)
                .withTask(task)
                .withNewHead(head);
        Model model = Models.load(directory, options);
        try {
            Base base = new Base(model, ModelInput.open(directory, model), head, seed);
            long parameters = model.weights().count();
            LOG.info("opened {}: {} ({}), {} parameters", directory, model.modelType(), model.taskType(), parameters);
            return base;
        } catch (IOException | RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    /**
     * Makes sure that a directory is one of a model.
     *
     * @throws BadFileException that says what it is
     */
    static void requireModel(Path directory) throws BadFileException {
        if (Files.isRegularFile(directory.resolve("config.json"))) {
            return;
        }
        String found = !Files.exists(directory)
                ? "there is none. Check the path."
                : !Files.isDirectory(directory)
                        ? "this is a file. Name the directory that it is in."
                        : AdapterFiles.isAdapter(directory)
                                ? "this is an adapter. Open its base" + baseOf(directory) + ", and load the adapter."
                                : "it has no config.json. Name one with config.json, model.safetensors and tokenizer.json.";
        throw new BadFileException(directory, "a model directory was to be opened here, and " + found);
    }

    /** The name of a hub that an adapter says its base has; empty if it says none. */
    private static String baseOf(Path adapter) {
        try {
            Object base = Json.read(adapter.resolve("adapter_config.json")).get("base_model_name_or_path");
            return base instanceof String name && name.contains("/")
                    ? ", " + HubName.parse("hub:" + name) + " if it is of a hub"
                    : "";
        } catch (IOException | BadInputException e) { // damaged, or a path of some machine: no name of a hub
            return "";
        }
    }

    /** Whether reading it for so many outputs of a kind, with a form of the head and a seed, would give the same; null is any kind. */
    boolean isAsReadFor(int outputs, @Nullable ProblemType problem, @Nullable NewHead form, long otherSeed) {
        boolean sameHead = outputs == 0 || model.head().outputs() == outputs;
        boolean sameForm = Objects.equals(head, form);
        boolean sameKind = problem == null || model.head().problem() == problem;
        return sameHead && sameForm && sameKind && (model.newModules().isEmpty() || seed == otherSeed);
    }

    Model model() {
        return model;
    }

    ModelInput input() {
        return input;
    }

    TextTokenizer tokenizer() {
        return input.tokenizer("texts were to be read");
    }

    PeftModel adapters() {
        return adapters;
    }

    void use() {
        users++;
    }

    void release() {
        users--;
    }

    boolean isUnused() {
        return users == 0;
    }

    /** Calls with the adapters that have these names now: another one that takes such a name later is not mixed with them. */
    Function<Pass, Call> calls(List<String> names) {
        List<Adapter> all = names.stream().map(adapters::adapter).toList();
        Conflicts.check(model, all);
        return pass -> Call.of(pass, all);
    }

    @Override
    public void close() {
        adapters.close();
        input.close();
        model.close();
    }
}
