package dev.peft4j.models;

import dev.peft4j.core.io.Checkpoint;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.model.Weights;
import dev.peft4j.core.tensor.Backend;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
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
     * @param classes of a classifier; 0 for the number that the config names, or 2
     * @param seed of the classifier's weights if the checkpoint has none
     * @throws dev.peft4j.core.io.BadFileException if a file is missing or damaged, a tensor is missing or has other dimensions, or the
     *     family is not known
     */
    public static Model load(Path directory, Backend backend, int classes, long seed) throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            ModelConfig config = ModelConfig.read(directory);
            Weights weights = Weights.of(checkpoint, backend.dtype());
            try {
                Model model = create(config, weights, backend, classes, seed);
                Set<String> unread = new TreeSet<>(weights.unread());
                unread.removeIf(Models::isBuffer);
                if (!unread.isEmpty()) {
                    LOG.warn("{}: {} tensors of the checkpoint are not used: {}", directory, unread.size(), unread);
                }
                return model;
            } catch (IOException | RuntimeException e) {
                weights.close();
                throw e;
            }
        }
    }

    private static Model create(ModelConfig config, Weights weights, Backend backend, int classes, long seed)
            throws IOException {
        String type = config.text("model_type", "");
        return switch (type) {
            case "gpt2" -> new Gpt2(config, weights, backend, endTokens(config));
            case "llama" -> new Llama(config, weights, backend, endTokens(config));
            case "bert" -> new Bert(config, weights, backend, classes(config, classes), seed);
            default ->
                throw config.bad("model_type is \"" + type
                        + "\"; there are gpt2, llama and bert. Use a checkpoint of one of these families.");
        };
    }

    private static Set<Integer> endTokens(ModelConfig config) throws IOException {
        return EndTokens.of(config.directory(), config.size("vocab_size"));
    }

    private static int classes(ModelConfig config, int asked) throws IOException {
        ModelConfig labels = config.object("id2label");
        return asked > 0 ? asked : labels != null ? labels.entries() : config.size("num_labels", 2);
    }

    /** Tensors that older versions of transformers saved although they can be computed, and tied heads that repeat the embedding. */
    private static boolean isBuffer(String name) {
        return name.endsWith(".attn.bias")
                || name.endsWith(".attn.masked_bias")
                || name.endsWith("position_ids")
                || name.endsWith("rotary_emb.inv_freq")
                || name.equals("lm_head.weight")
                || name.startsWith("cls.");
    }

    /** A Llama with random weights N(0, 0.02) and norms of 1, to be trained from nothing; the caller closes it. */
    public static CausalModel randomLlama(Path directory, Map<String, Object> config, Backend backend, long seed)
            throws IOException {
        ModelConfig fields = ModelConfig.of(directory, config);
        Weights weights = RandomWeights.create(fields, backend.dtype(), seed);
        return new Llama(fields, weights, backend, Set.of());
    }
}
