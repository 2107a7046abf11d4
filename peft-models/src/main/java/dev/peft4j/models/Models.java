package dev.peft4j.models;

import dev.peft4j.core.io.Checkpoint;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.model.Weights;
import dev.peft4j.core.tensor.Backend;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens Hugging Face model directories. */
public final class Models {
    private static final Logger LOG = LoggerFactory.getLogger(Models.class);

    private Models() {}

    /**
     * Reads a model on the default backend; the caller closes it.
     *
     * @see #load(Path, Backend, int, long)
     */
    public static Model load(Path directory) throws IOException {
        return load(directory, Backend.auto(), 0, 0);
    }

    /**
     * Reads {@code config.json} and the weights of a directory; the caller closes the model.
     *
     * @param outputs of a classifier: classes, labels or numbers that it predicts; 0 for as many as the config names, or 2. A head of the checkpoint
     *     that has another number of them is left out, and a new one made.
     * @param seed of layers that the checkpoint does not have, such as a classifier; they are said in the log and in {@link Model#newModules}
     * @throws dev.peft4j.core.io.BadFileException if a file is missing or damaged, a tensor is missing or has other dimensions, or the
     *     family is not known
     */
    public static Model load(Path directory, Backend backend, int outputs, long seed) throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            ModelConfig config = ModelConfig.read(directory);
            config.requirePlain();
            Weights weights = Weights.of(checkpoint, backend.dtype());
            try {
                Model model = create(config, weights, backend, outputs, seed);
                List<String> unused = new UnusedTensors(config, checkpoint).of(weights.unread());
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
            } catch (IOException | RuntimeException | OutOfMemoryError e) {
                weights.close();
                throw e;
            }
        }
    }

    private static Model create(ModelConfig config, Weights weights, Backend backend, int outputs, long seed)
            throws IOException {
        String type = config.text("model_type", "");
        requireTask(config, type);
        return switch (type) {
            case "gpt2" -> new Gpt2(config, weights, backend, seed, endTokens(config, Gpt2.VOCABULARY));
            case "llama" -> new Llama(config, weights, backend, seed, endTokens(config, Llama.VOCABULARY));
            case "bert" -> new Bert(config, weights, backend, config.outputs(outputs), seed);
            default ->
                throw config.bad("model_type is \"" + type
                        + "\"; there are gpt2, llama and bert. Use a checkpoint of one of these families.");
        };
    }

    /** Refuses checkpoints for tasks that a family does not have here, and those whose head has the name but not the meaning of another. */
    private static void requireTask(ModelConfig config, String type) throws IOException {
        List<String> others = type.equals("bert")
                ? List.of("ForTokenClassification", "ForMultipleChoice")
                : List.of("ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering");
        for (String architecture : config.architectures()) {
            if (others.stream().anyMatch(architecture::endsWith)) {
                throw config.bad("model_type is \"" + type + "\" with the architecture " + architecture + "; of this"
                        + " family there "
                        + (type.equals("bert") ? "are classifiers of sequences" : "are language models")
                        + ". Use a checkpoint of one of these.");
            }
        }
    }

    private static Set<Integer> endTokens(ModelConfig config, int vocabulary) throws IOException {
        return EndTokens.of(config.directory(), config.size("vocab_size", vocabulary));
    }

    /** A Llama with random weights N(0, 0.02) and norms of 1, to be trained from nothing; the caller closes it. */
    public static CausalModel randomLlama(Path directory, Map<String, Object> config, Backend backend, long seed)
            throws IOException {
        ModelConfig fields = ModelConfig.of(directory, config);
        Weights weights = RandomWeights.create(fields, backend.dtype(), seed);
        return new Llama(fields, weights, backend, seed, Set.of());
    }
}
