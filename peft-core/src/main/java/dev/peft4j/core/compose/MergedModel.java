package dev.peft4j.core.compose;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.autograd.Lease;
import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.AtomicFile;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/** A base model with an adapter in its weights, written as a plain Hugging Face directory that needs no adapter library. */
public final class MergedModel {
    private static final String PROBLEM = "problem_type";
    private static final String HEAD_LAYERS = "head_layers";
    private static final String HEAD_POOLING = "classifier_pooling";
    private static final List<String> NAMES_ELSEWHERE =
            List.of("labels", "num_classes", "num_labels"); // in the place of id2label, or beside it
    private static final String TENSORS = "model.safetensors";
    private static final String CONFIG =
            "config.json"; // written last: a directory without it is of a write that was killed

    private MergedModel() {}

    /**
     * Writes the directory. The base stays as it is: weights are merged in copies.
     *
     * @throws BadFileException if the directory holds files already
     */
    public static void write(Path directory, Model model, Adapter adapter) throws IOException {
        checkOutput(directory);
        try (MergedAdapter merged = MergedAdapter.of(model, List.of(adapter))) {
            write(directory, model, merged);
        }
    }

    /** Writes the directory of weights that were merged before. */
    public static void write(Path directory, Model model, MergedAdapter merged) throws IOException {
        write(directory, model, merged, List.of());
    }

    /**
     * Writes the directory of weights that were merged before.
     *
     * @param labels names of the classes of a classifier, in the order of its outputs; empty for those of the base
     * @throws BadInputException if there are not as many as outputs
     */
    public static void write(Path directory, Model model, MergedAdapter merged, List<String> labels)
            throws IOException {
        checkOutput(directory);
        Map<String, Tensor> tensors = merged.tensors();
        boolean untied = model.linearSites().stream()
                .anyMatch(s -> model.isTied(s) && tensors.containsKey(s.name() + ".weight"));
        Map<String, Object> config = config(model, untied, labels); // refuses labels that do not fit
        Files.createDirectories(directory);
        Files.write(AtomicFile.pending(directory.resolve(CONFIG)), new byte[0]);
        copyFiles(model, directory);
        Lease.Use held = Lease.all(model, List.of(merged));
        try (held) {
            model.weights().write(directory.resolve(TENSORS), tensors);
        }
        AtomicFile.write(directory.resolve(CONFIG), Json.print(config) + "\n");
    }

    /**
     * Makes sure that a model can be written to a directory: it is missing, empty, or holds what is left of a write that was killed.
     *
     * @throws BadFileException if it is a file or holds files
     */
    public static void checkOutput(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return;
        }
        if (!Files.isDirectory(directory)) {
            throw new BadFileException(
                    directory, "an output directory was asked for and this is a file. Choose another name.");
        }
        try (Stream<Path> content = Files.list(directory)) {
            List<String> names =
                    content.map(p -> String.valueOf(p.getFileName())).sorted().toList();
            boolean free = names.isEmpty() || names.stream().anyMatch(MergedModel::isLeftOver);
            if (names.contains(CONFIG) || !free) {
                throw new BadFileException(
                        directory,
                        "a model was to be written here, and the directory holds files ("
                                + String.join(", ", names.subList(0, Math.min(3, names.size())))
                                + (names.size() > 3 ? ", ..." : "") + "). Choose an empty directory.");
            }
        }
    }

    /** What a write leaves that is killed: it begins with the temporary file of the config, and ends when that gets its name. */
    private static boolean isLeftOver(String name) {
        return AtomicFile.isLeftOver(name, CONFIG) || AtomicFile.isLeftOver(name, TENSORS);
    }

    private static void copyFiles(Model model, Path to) throws IOException {
        for (String name : model.files()) {
            Path file = model.directory().resolve(name);
            if (Files.isRegularFile(file)) {
                Path copy = to.resolve(name);
                Files.createDirectories(Objects.requireNonNull(copy.getParent()));
                Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING);
            }
        }
    }

    /** The config of the base, with the classes of a classifier that the base did not have. */
    private static Map<String, Object> config(Model model, boolean untied, List<String> labels) throws IOException {
        Map<String, Object> config =
                new LinkedHashMap<>(Json.read(model.directory().resolve(CONFIG)));
        config.remove("torch_dtype");
        config.put("dtype", "float32");
        if (untied) {
            config.put("tie_word_embeddings", false);
        }
        if (model.taskType().classifies()) {
            int classes = model.head().outputs();
            if (!labels.isEmpty() && labels.size() != classes) {
                throw new BadInputException(labels.size() + " names of classes were given, and the head has " + classes
                        + ". Name each, or none.");
            }
            boolean known = (config.get("id2label") instanceof Map<?, ?> old && old.size() == classes)
                    || (config.get("labels") instanceof List<?> listed && listed.size() == classes);
            if (!known || !labels.isEmpty()) {
                Map<String, Object> names = new LinkedHashMap<>();
                Map<String, Object> ids = new LinkedHashMap<>();
                for (int i = 0; i < classes; i++) {
                    String name = labels.isEmpty() ? "LABEL_" + i : labels.get(i);
                    names.put(String.valueOf(i), name);
                    ids.put(name, i);
                }
                NAMES_ELSEWHERE.forEach(config::remove);
                config.put("id2label", names);
                config.put("label2id", ids);
            }
        }
        ProblemType problem = model.head().problem();
        if (problem != null && (problem == ProblemType.MULTI_LABEL_CLASSIFICATION || config.get(PROBLEM) != null)) {
            config.put(PROBLEM, problem.toString()); // of others, the number of outputs tells it
        }
        if (model.taskType().classifiesWhole()) {
            config.remove(HEAD_LAYERS);
            config.replace(HEAD_POOLING, "cls");
            config.putAll(model.head().fields());
        }
        config.put("architectures", List.of(model.traits().className(model.taskType())));
        return config;
    }
}
