package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.error.NonFiniteException;
import dev.peft4j.core.format.AtomicFile;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.format.SafetensorsWriter;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/** Writes an adapter: its tensors and then its config, which are one commit. */
final class AdapterWriter {
    private final Adapter adapter;
    private final ModelSites model;
    private final Map<String, SafetensorsWriter> writers = new TreeMap<>(); // by file

    private AdapterWriter(ModelSites model, Adapter adapter) {
        this.adapter = adapter;
        this.model = model;
    }

    static void write(Path directory, ModelSites model, Adapter adapter, Map<String, String> notes) throws IOException {
        adapter.parameters().forEach(p -> requireFinite(p.name(), p.value()));
        Adapter saved = adapter.forSaving(model);
        try {
            new AdapterWriter(model, saved).write(directory, notes);
        } finally {
            if (saved != adapter) {
                saved.close();
            }
        }
    }

    /** An adapter that holds infinity or NaN could not be read again, and must not take the place of one that can. */
    private static void requireFinite(String name, Tensor t) {
        if (!t.isFinite()) {
            throw new NonFiniteException(name);
        }
    }

    private void write(Path directory, Map<String, String> notes) throws IOException {
        Map<String, Parameter> parameters = new TreeMap<>();
        adapter.parameters().forEach(p -> parameters.put(adapter.savedName(p), p));
        parameters.forEach(
                (name, p) -> add(adapter.tensorFile(p), name, p.value(), adapter.isTransposedInFile(p), p.shape()));
        adapter.alsoSaved()
                .forEach((name, twin) -> add(
                        AdapterFiles.TENSORS,
                        adapter.prefix() + name,
                        twin.tensor(),
                        twin.transposed(),
                        twin.shape().stream().mapToInt(Integer::intValue).toArray()));
        adapter.buffers().forEach((name, t) -> add(AdapterFiles.TENSORS, name, t, false, t.rows(), t.cols()));
        if (writers.isEmpty()) { // it is attached to nothing
            writers.put(AdapterFiles.TENSORS, new SafetensorsWriter());
        }
        Map<String, Object> fields = new TreeMap<>(adapter.config().toJson(model));
        fields.putAll(adapter.config().otherFields().unusable());
        String config = Json.print(fields) + "\n";
        String meaning = SavedConfig.of(Json.parse(config));
        String save = writers.size() > 1 ? TensorFiles.idOf(writers.values()) : "";
        Map<String, AtomicFile.Content> files = new LinkedHashMap<>();
        for (Map.Entry<String, SafetensorsWriter> w : writers.entrySet()) {
            w.getValue().metadata("format", "pt").metadata(SavedConfig.KEY, meaning);
            notes.forEach(w.getValue()::metadata);
            if (!save.isEmpty()) {
                w.getValue().metadata(TensorFiles.SAVE, save);
            }
            files.put(w.getKey(), w.getValue().content());
        }
        files.put(AdapterFiles.CONFIG, AtomicFile.text(config)); // a directory with a config is complete
        AtomicFile.writeAll(directory, files);
        for (String other : AdapterFiles.ALL_TENSORS) { // of an adapter that was here before
            if (!files.containsKey(other)) {
                Files.deleteIfExists(directory.resolve(other));
            }
        }
    }

    private void add(String file, String name, Tensor t, boolean transposed, int... shape) {
        SafetensorsWriter writer = writers.computeIfAbsent(file, f -> new SafetensorsWriter());
        if (transposed) {
            writer.addTransposed(name, t, shape[1], shape[0]);
        } else {
            writer.add(name, t, shape);
        }
    }
}
