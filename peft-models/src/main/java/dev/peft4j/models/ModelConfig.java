package dev.peft4j.models;

import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Activation;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The fields of a {@code config.json}, checked when they are asked for: whatever is wrong is a {@link BadFileException} that names the field. */
public final class ModelConfig {
    /** Ends of classes of transformers whose heads have the names of others. */
    private static final List<String> OTHER_HEADS =
            List.of("ForSequenceClassification", "ForTokenClassification", "ForMultipleChoice", "ForQuestionAnswering");

    /** What checkpoints of a base are for, of which most are fine-tuned for another task. */
    private static final Set<TaskType> BASES = EnumSet.of(TaskType.MASKED_LM, TaskType.FEATURE_EXTRACTION);

    private static final int LARGEST = 1 << 24;

    private final Path file;
    private final Map<String, Object> fields;

    private ModelConfig(Path file, Map<String, Object> fields) {
        this.file = file;
        this.fields = fields;
    }

    static ModelConfig read(Path directory) throws IOException {
        Path file = directory.resolve("config.json");
        return new ModelConfig(file, NamedArchitecture.completed(Json.read(file)));
    }

    /** A config that did not come from a file. */
    static ModelConfig of(Path directory, Map<String, Object> fields) {
        return new ModelConfig(directory.resolve("config.json"), fields);
    }

    /** Other fields of the same file. */
    ModelConfig with(Map<String, Object> others) {
        return new ModelConfig(file, others);
    }

    /** With what a classifier predicts; null for what the fields say. */
    ModelConfig withProblem(@Nullable ProblemType problem) {
        if (problem == null) {
            return this;
        }
        Map<String, Object> told = new LinkedHashMap<>(fields);
        told.put(OutputFields.PROBLEM, problem.toString());
        return with(told);
    }

    Path directory() {
        Path parent = file.getParent();
        return parent == null ? Path.of("") : parent;
    }

    /** What to throw where a value is wrong: it names the file. */
    public BadFileException bad(String problem) {
        return new BadFileException(file, problem);
    }

    /** Whether a field is there and not null. */
    public boolean has(String name) {
        return fields.get(name) != null;
    }

    /** A text, or the default of the family where it is missing. */
    public String text(String name, String otherwise) throws IOException {
        Object v = fields.get(name);
        if (v == null) {
            return otherwise;
        }
        if (v instanceof String s) {
            return s;
        }
        throw bad("\"" + name + "\" is " + v + " where a text was expected. Correct config.json.");
    }

    /** A dimension: a whole number from 1. */
    public int size(String name) throws IOException {
        Object v = fields.get(name);
        if (v instanceof Number n && n.doubleValue() == n.intValue() && n.intValue() > 0 && n.intValue() <= LARGEST) {
            return n.intValue();
        }
        throw bad("\"" + name + "\" is " + v + " where a whole number from 1 to " + LARGEST
                + " was expected. Correct config.json.");
    }

    /** A dimension, or the default of the family where it is missing. */
    public int size(String name, int otherwise) throws IOException {
        return has(name) ? size(name) : otherwise;
    }

    /** A dimension that has several names, of which the first that is there counts. */
    public int size(List<String> names, int otherwise) throws IOException {
        for (String name : names) {
            if (has(name)) {
                return size(name);
            }
        }
        return otherwise;
    }

    /** The entries of a list that has to be there. */
    public List<?> list(String name) throws IOException {
        if (fields.get(name) instanceof List<?> list) {
            return list;
        }
        throw bad("\"" + name + "\" is " + fields.get(name) + " where a list was expected. Correct config.json.");
    }

    /** Dimensions in a list, or the default of the family where it is missing. */
    public List<Integer> sizes(String name, List<Integer> otherwise) throws IOException {
        Object v = fields.get(name);
        if (v == null) {
            return otherwise;
        }
        if (v instanceof List<?> list
                && !list.isEmpty()
                && list.stream().allMatch(n -> n instanceof Integer i && i > 0 && i <= LARGEST)) {
            return list.stream().map(n -> (Integer) n).toList();
        }
        throw bad("\"" + name + "\" is " + v + " where whole numbers from 1 to " + LARGEST
                + " were expected. Correct config.json.");
    }

    /** A finite number, or the default of the family where it is missing. */
    public double number(String name, double otherwise) throws IOException {
        Object v = fields.get(name);
        if (v == null) {
            return otherwise;
        }
        if (v instanceof Number n && Double.isFinite(n.doubleValue())) {
            return n.doubleValue();
        }
        throw bad("\"" + name + "\" is " + v + " where a number was expected. Correct config.json.");
    }

    /** The token that fills sequences up, or -1 where the config says that there is none. */
    int padding(int otherwise) throws IOException {
        return fields.containsKey("pad_token_id") ? (int) number("pad_token_id", -1) : otherwise;
    }

    /** A number that has no default. */
    public double number(String name) throws IOException {
        if (!has(name)) {
            throw bad("the number \"" + name + "\" was expected and is not there. Correct config.json.");
        }
        return number(name, 0);
    }

    /** A number from 0 to below 1, or the default of the family where it is missing. */
    public double probability(String name, double otherwise) throws IOException {
        double p = number(name, otherwise);
        if (p < 0 || p >= 1) {
            throw bad("\"" + name + "\" is " + p
                    + " where a probability from 0 to below 1 was expected. Correct config.json.");
        }
        return p;
    }

    /** True or false, or the default of the family where it is missing. */
    public boolean flag(String name, boolean otherwise) throws IOException {
        Object v = fields.get(name);
        if (v == null) {
            return otherwise;
        }
        if (v instanceof Boolean b) {
            return b;
        }
        throw bad("\"" + name + "\" is " + v + " where true or false was expected. Correct config.json.");
    }

    /** The kinds of attention of the layers, full or sliding; none if the field is missing. */
    List<String> layerTypes(int layers) throws IOException {
        Object v = fields.get("layer_types");
        if (v == null) {
            return List.of();
        }
        if (v instanceof List<?> types
                && types.size() == layers
                && types.stream().allMatch(t -> "full_attention".equals(t) || "sliding_attention".equals(t))) {
            return types.stream().map(String::valueOf).toList();
        }
        throw bad("\"layer_types\" is " + v + " where full_attention or sliding_attention was expected for each of "
                + layers + " layers. Correct config.json, or use another checkpoint.");
    }

    /** A list of so many zeros and ones; empty if the field is missing. */
    List<Integer> zerosAndOnes(String name, int count) throws IOException {
        Object v = fields.get(name);
        if (v == null) {
            return List.of();
        }
        if (v instanceof List<?> list
                && list.size() == count
                && list.stream().allMatch(n -> n instanceof Integer i && (i == 0 || i == 1))) {
            return list.stream().map(n -> (Integer) n).toList();
        }
        throw bad("\"" + name + "\" is " + v + " where 0 or 1 was expected for each of " + count
                + " layers. Correct config.json.");
    }

    /** A nested object, or null. */
    public @Nullable ModelConfig object(String name) {
        return fields.get(name) instanceof Map<?, ?> m ? nested(m) : null;
    }

    private ModelConfig nested(Map<?, ?> object) {
        Map<String, Object> nested = new LinkedHashMap<>();
        object.forEach((k, v) -> nested.put(String.valueOf(k), v));
        return with(nested);
    }

    /** The objects of a list that has to be there, and not to be empty. */
    List<ModelConfig> objects(String name) throws IOException {
        List<ModelConfig> all = new ArrayList<>();
        for (Object entry : list(name)) {
            if (!(entry instanceof Map<?, ?> object)) {
                throw bad("\"" + name + "\" has the entry " + entry
                        + " where an object was expected. Correct config.json.");
            }
            all.add(nested(object));
        }
        if (all.isEmpty()) {
            throw bad("\"" + name + "\" is empty where objects were expected. Correct config.json.");
        }
        return all;
    }

    /** Refuses a field that changes the result and that this library does not compute. */
    public void require(String name, Object... supported) throws IOException {
        Object v = fields.get(name);
        if (v != null && !List.of(supported).contains(v)) {
            throw bad("\"" + name + "\" is " + v + "; only " + List.of(supported)
                    + " is supported, and another value changes the result. Use another checkpoint.");
        }
    }

    /** Refuses what no family computes: weights that are stored in another form, pruned heads. */
    void requirePlain() throws IOException {
        if (fields.get("quantization_config") instanceof Map<?, ?> q) {
            throw bad("\"quantization_config\" says that the weights are quantized (" + q.get("quant_method")
                    + "), which cannot be read. Use the checkpoint that it was made of, or one that is dequantized.");
        }
        if (fields.get("pruned_heads") instanceof Map<?, ?> pruned && !pruned.isEmpty()) {
            throw bad("\"pruned_heads\" takes heads out of the layers " + pruned.keySet()
                    + ", which is not supported. Use a checkpoint with all heads.");
        }
        require("is_encoder_decoder", false);
    }

    /**
     * The task that a checkpoint is for, of those that a family serves; that of most fine-tuned models of the family for a base.
     *
     * @throws BadFileException if its class is for another one
     */
    TaskType task(FamilyTraits traits) throws IOException {
        TaskType usual = Stream.of(TaskType.CAUSAL_LM, TaskType.IMAGE_CLS)
                .filter(traits.heads()::containsKey)
                .findFirst()
                .orElse(TaskType.SEQ_CLS);
        for (String architecture : architectures()) {
            for (Map.Entry<TaskType, FamilyTraits.Head> head : traits.heads().entrySet()) {
                if (head.getValue().className().equals(architecture) && !BASES.contains(head.getKey())) {
                    return head.getKey();
                }
            }
            if (OTHER_HEADS.stream().anyMatch(architecture::endsWith)) {
                throw bad("model_type is \"" + text("model_type", "") + "\" with the architecture " + architecture
                        + "; of this family there are heads for "
                        + new TreeSet<>(traits.heads().keySet())
                        + ". Use a checkpoint of one of these.");
            }
        }
        return usual;
    }

    /** Names of the classes of transformers that the checkpoint is for; none if it does not say. */
    List<String> architectures() throws IOException {
        Object v = fields.get("architectures");
        if (v == null) {
            return List.of();
        }
        if (v instanceof List<?> names && names.stream().allMatch(String.class::isInstance)) {
            return names.stream().map(String::valueOf).toList();
        }
        throw bad("\"architectures\" is " + v + " where a list of names was expected. Correct config.json.");
    }

    /** Names of the outputs in their order; none if there are only numbered ones, which transformers makes up. */
    List<String> labels() throws IOException {
        return new OutputFields(this).labels();
    }

    /** Outputs of a classifier: those that were asked for, or the labels that the config names, or 2. */
    public int outputs(int asked) throws IOException {
        return asked > 0 ? asked : new OutputFields(this).count();
    }

    /** What a classifier with so many outputs predicts, by the rules of transformers. */
    public ProblemType problemType(int outputs) throws IOException {
        return new OutputFields(this).problemType(outputs);
    }

    /** An activation by the names of transformers, or the default of the family where it is missing. */
    public Activation activation(String name, String otherwise) throws IOException {
        String f = text(name, otherwise);
        return switch (f) {
            case "gelu", "gelu_python" -> Activation.GELU;
            case "gelu_new", "gelu_pytorch_tanh", "gelu_python_tanh", "gelu_fast", "gelu_accurate" ->
                Activation.GELU_TANH; // one formula, written in several ways
            case "silu", "swish" -> Activation.SILU;
            case "relu" -> Activation.RELU;
            case "tanh" -> Activation.TANH;
            default ->
                throw bad(
                        "\"" + name + "\" is " + f
                                + "; there are gelu, gelu_new, silu, relu and tanh and their other names. Use another checkpoint.");
        };
    }

    Map<String, Object> fields() {
        return fields;
    }
}
