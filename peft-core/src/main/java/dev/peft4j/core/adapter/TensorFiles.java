package dev.peft4j.core.adapter;

import dev.peft4j.core.io.BadFileException;
import dev.peft4j.core.io.SafetensorsFile;
import dev.peft4j.core.io.TensorInfo;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The tensors of an adapter: of one file, which has to be there, and of others that may be. */
final class TensorFiles implements AutoCloseable {
    private final List<SafetensorsFile> files = new ArrayList<>();
    private final Map<String, TensorInfo> tensors = new LinkedHashMap<>();

    private TensorFiles() {}

    static TensorFiles open(Path directory, List<String> names) throws IOException {
        TensorFiles all = new TensorFiles();
        try {
            for (int i = 0; i < names.size(); i++) {
                Path path = directory.resolve(names.get(i));
                if (i == 0 || Files.exists(path)) {
                    SafetensorsFile file = SafetensorsFile.open(path);
                    all.files.add(file);
                    all.tensors.putAll(file.tensors());
                }
            }
            return all;
        } catch (IOException | RuntimeException e) {
            all.close();
            throw e;
        }
    }

    /** The first file, for messages. */
    Path path() {
        return files.get(0).path();
    }

    /** All tensors by name. */
    Map<String, TensorInfo> tensors() {
        return tensors;
    }

    /** The texts of the metadata of all files; the first file that has a text counts. */
    Map<String, String> metadata() {
        Map<String, String> all = new LinkedHashMap<>();
        files.forEach(f -> f.metadata().forEach(all::putIfAbsent));
        return all;
    }

    void load(String name, Tensor to, boolean transposed) throws IOException {
        file(name).load(name, to, transposed);
    }

    /** See {@link SafetensorsFile#holds}. */
    boolean holds(String name, Tensor values, boolean transposed) throws IOException {
        return file(name).holds(name, values, transposed);
    }

    private SafetensorsFile file(String name) throws BadFileException {
        for (SafetensorsFile file : files) {
            if (file.tensors().containsKey(name)) {
                return file;
            }
        }
        throw new BadFileException(path(), "tensor " + name + " was expected and is not there. Get the file again.");
    }

    @Override
    public void close() throws IOException {
        for (SafetensorsFile file : files) {
            file.close();
        }
    }
}
