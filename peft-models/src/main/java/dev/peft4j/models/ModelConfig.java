package dev.peft4j.models;

import dev.peft4j.core.io.BadFileException;
import dev.peft4j.core.io.Json;
import dev.peft4j.core.tensor.Activation;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The fields of a {@code config.json}, checked when they are asked for. */
final class ModelConfig {
    private static final int LARGEST = 1 << 24;

    private final Path file;
    private final Map<String, Object> fields;

    private ModelConfig(Path file, Map<String, Object> fields) {
        this.file = file;
        this.fields = fields;
    }

    static ModelConfig read(Path directory) throws IOException {
        Path file = directory.resolve("config.json");
        return new ModelConfig(file, Json.read(file));
    }

    /** A config that did not come from a file. */
    static ModelConfig of(Path directory, Map<String, Object> fields) {
        return new ModelConfig(directory.resolve("config.json"), fields);
    }

    Path directory() {
        Path parent = file.getParent();
        return parent == null ? Path.of("") : parent;
    }

    BadFileException bad(String problem) {
        return new BadFileException(file, problem);
    }

    boolean has(String name) {
        return fields.get(name) != null;
    }

    String text(String name, String otherwise) throws IOException {
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
    int size(String name) throws IOException {
        Object v = fields.get(name);
        if (v instanceof Number n && n.doubleValue() == n.intValue() && n.intValue() > 0 && n.intValue() <= LARGEST) {
            return n.intValue();
        }
        throw bad("\"" + name + "\" is " + v + " where a whole number from 1 to " + LARGEST
                + " was expected. Correct config.json.");
    }

    int size(String name, int otherwise) throws IOException {
        return has(name) ? size(name) : otherwise;
    }

    double number(String name, double otherwise) throws IOException {
        Object v = fields.get(name);
        if (v == null) {
            return otherwise;
        }
        if (v instanceof Number n && Double.isFinite(n.doubleValue())) {
            return n.doubleValue();
        }
        throw bad("\"" + name + "\" is " + v + " where a number was expected. Correct config.json.");
    }

    double probability(String name, double otherwise) throws IOException {
        double p = number(name, otherwise);
        if (p < 0 || p >= 1) {
            throw bad("\"" + name + "\" is " + p
                    + " where a probability from 0 to below 1 was expected. Correct config.json.");
        }
        return p;
    }

    boolean flag(String name, boolean otherwise) throws IOException {
        Object v = fields.get(name);
        if (v == null) {
            return otherwise;
        }
        if (v instanceof Boolean b) {
            return b;
        }
        throw bad("\"" + name + "\" is " + v + " where true or false was expected. Correct config.json.");
    }

    /** A nested object, or null. */
    @Nullable
    ModelConfig object(String name) {
        if (fields.get(name) instanceof Map<?, ?> m) {
            Map<String, Object> nested = new LinkedHashMap<>();
            m.forEach((k, v) -> nested.put(String.valueOf(k), v));
            return new ModelConfig(file, nested);
        }
        return null;
    }

    int entries() {
        return fields.size();
    }

    /** Refuses a field that changes the result and that this library does not compute. */
    void require(String name, Object only) throws IOException {
        Object v = fields.get(name);
        if (v != null && !v.equals(only)) {
            throw bad("\"" + name + "\" is " + v + "; only " + only
                    + " is supported, and another value changes the result." + " Use another checkpoint.");
        }
    }

    Activation activation(String name, String otherwise) throws IOException {
        String f = text(name, otherwise);
        return switch (f) {
            case "gelu" -> Activation.GELU;
            case "gelu_new", "gelu_pytorch_tanh" -> Activation.GELU_TANH;
            case "silu", "swish" -> Activation.SILU;
            case "relu" -> Activation.RELU;
            case "tanh" -> Activation.TANH;
            default ->
                throw bad(
                        "\"" + name + "\" is " + f
                                + "; there are gelu, gelu_new, gelu_pytorch_tanh, silu, relu and tanh. Use another checkpoint.");
        };
    }

    Map<String, Object> fields() {
        return fields;
    }
}
