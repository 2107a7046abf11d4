package dev.peft4j.models;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.site.TaskType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The form of a new head of a classifier of whole texts or images, where it is not the one that the family has: more layers, or the mean of the tokens.
 *
 * <p>With layers, the output layer becomes what PyTorch calls {@code nn.Sequential(Linear, ReLU, Linear, ...)}, without dropout between them: its tensors are
 * {@code classifier.0.weight}, {@code classifier.0.bias}, {@code classifier.2.weight} and so on, below the name that the output layer of the family has.
 *
 * <p>The form stands in {@code config.json} of a model ({@code head_layers}, {@code classifier_pooling}) and in the notes of an adapter, so that either is opened
 * again without saying it.
 *
 * @param layers outputs of the layers in front of the output layer, in the order of the forward pass; none for the output layer alone
 * @param isMean whether an encoder, or a ViT, reads the mean of the last hidden states over its tokens (of a ViT its patches) instead of the first one. A dense
 *     layer in front (BERT's pooler) is left out then, but by ModernBERT, which is made for both
 */
public record NewHead(List<Integer> layers, boolean isMean) {
    static final String LAYERS = "head_layers";
    static final String POOLING = "classifier_pooling";

    private static final String MEAN = "mean";
    private static final String FIRST = "cls";
    private static final NewHead USUAL = new NewHead(List.of(), false);
    private static final int MOST_LAYERS = 8;
    private static final int WIDEST = 65_536;
    private static final long MOST_ELEMENTS = 1L << 28; // 1 GiB, and training keeps three more of them

    /** Checks the layers. */
    public NewHead {
        layers = List.copyOf(layers);
        String wrong = wrong(layers);
        if (wrong != null) {
            throw new BadInputException("a new head with the layers " + layers
                    + " was asked for (--head-layers; in Java NewHead); " + wrong + ". Change them.");
        }
    }

    private static @Nullable String wrong(List<?> layers) {
        if (layers.size() > MOST_LAYERS) {
            return "there are " + layers.size() + ", and at most " + MOST_LAYERS + " are made";
        }
        boolean fit = layers.stream().allMatch(n -> n instanceof Integer i && i >= 1 && i <= WIDEST);
        return fit ? null : "each has from 1 to " + WIDEST + " outputs";
    }

    /** With layers of so many outputs in front of the output layer. */
    public static NewHead ofLayers(int... outputs) {
        return new NewHead(IntStream.of(outputs).boxed().toList(), false);
    }

    /** Of the output layer alone, reading the mean. */
    public static NewHead ofMean() {
        return USUAL.withMean();
    }

    /** The same, reading the mean. */
    public NewHead withMean() {
        return new NewHead(layers, true);
    }

    /** That of the family. */
    static NewHead usual() {
        return USUAL;
    }

    /** What a config says. */
    static NewHead read(ModelConfig config) throws BadFileException {
        return read(config.fields(), problem -> config.bad(problem + " Correct config.json."));
    }

    /** What the notes of an adapter say; null if nothing. */
    static @Nullable NewHead ofNotes(Path adapter, Map<String, String> notes) throws IOException {
        Map<String, Object> fields = new LinkedHashMap<>();
        String layers = notes.get(LAYERS);
        if (layers != null) {
            fields.putAll(Json.parse(adapter, "{\"" + LAYERS + "\": " + layers + "}"));
        }
        if (notes.containsKey(POOLING)) {
            fields.put(POOLING, notes.get(POOLING));
        }
        return fields.isEmpty()
                ? null
                : read(fields, problem -> new BadFileException(adapter, problem + " Train the adapter again."));
    }

    private static NewHead read(Map<String, Object> fields, Function<String, BadFileException> bad)
            throws BadFileException {
        Object layers = fields.get(LAYERS);
        List<Integer> read = new ArrayList<>();
        if (layers != null) {
            String wrong = layers instanceof List<?> list ? wrong(list) : "a list of numbers was expected";
            if (wrong != null) {
                throw bad.apply("\"" + LAYERS + "\" is " + layers + "; " + wrong + ".");
            }
            ((List<?>) layers).forEach(n -> read.add((Integer) n));
        }
        Object pooling = fields.get(POOLING);
        if (pooling != null && !pooling.equals(FIRST) && !pooling.equals(MEAN)) {
            throw bad.apply("\"" + POOLING + "\" is " + pooling + "; there are " + FIRST + " and " + MEAN + ".");
        }
        return new NewHead(read, MEAN.equals(pooling));
    }

    /** The fields of {@code config.json} that say it; none for that of the family. */
    Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        if (!layers.isEmpty()) {
            fields.put(LAYERS, layers);
        }
        if (isMean) {
            fields.put(POOLING, MEAN);
        }
        return fields;
    }

    /**
     * The name of the output layer.
     *
     * @param module that the family has for it
     */
    String output(String module) {
        return layers.isEmpty() ? module : module + "." + 2 * layers.size();
    }

    /**
     * Makes sure that a model for a task can have such a head.
     *
     * @throws BadInputException if it does not classify whole texts or images
     */
    void requireTask(String modelType, TaskType task) {
        if (!task.classifiesWhole()) {
            throw new BadInputException(this + " was asked for, and this " + modelType + " model is for " + task
                    + "; only classifiers of whole texts or images have one. Leave that out, or name such a task.");
        }
    }

    /**
     * Makes sure that the model does not have to read the mean of its tokens.
     *
     * @param reads what its head reads
     * @throws BadInputException if it has to
     */
    void requireNoMean(String modelType, String reads) {
        if (isMean) {
            throw new BadInputException(this + " was asked for, and that of a " + modelType + " model reads " + reads
                    + ". Leave out the mean, or use an encoder such as BERT or ViT.");
        }
    }

    /**
     * Makes sure that the head can be made.
     *
     * @param in what its first layer reads
     * @param outputs of its last one
     * @throws BadInputException if it is too large
     */
    void requireMemory(int in, int outputs) {
        long elements = 0;
        long read = in;
        for (int width : layers) {
            elements += (read + 1) * width;
            read = width;
        }
        elements += (read + 1) * outputs;
        if (elements > MOST_ELEMENTS) {
            throw new BadInputException(this + " was asked for, which has " + elements + " elements behind " + in
                    + " columns; at most " + MOST_ELEMENTS + " are made. Ask for fewer outputs of its layers.");
        }
    }

    /** As messages tell it. */
    @Override
    public String toString() {
        return "a new head"
                + (layers.isEmpty() ? "" : " with the layers " + layers + " (--head-layers; in Java NewHead)")
                + (isMean ? " of the mean of the tokens (--head-pooling mean; in Java NewHead)" : "")
                + (equals(USUAL) ? " of the output layer alone" : "");
    }
}
