package dev.peft4j.core.adapter;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.format.AtomicFile;
import dev.peft4j.core.format.SafetensorsFile;
import dev.peft4j.core.format.SafetensorsWriter;
import dev.peft4j.core.format.TensorInfo;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The tensors of an adapter: of one file, which has to be there, and of others that may be. Files of one save know it, so that those of two saves are never
 * read together.
 */
final class TensorFiles implements AutoCloseable {
    /** Key in the metadata of tensors that are in several files: the same in all of them, and another one for other tensors. */
    static final String SAVE = "peft4j_save";

    private static final Logger LOG = LoggerFactory.getLogger(TensorFiles.class);

    private final List<SafetensorsFile> files = new ArrayList<>();
    private final Map<String, TensorInfo> tensors = new LinkedHashMap<>();

    private TensorFiles() {}

    static TensorFiles open(Path directory, List<String> names) throws IOException {
        TensorFiles all = new TensorFiles();
        try {
            SafetensorsFile first = SafetensorsFile.open(directory.resolve(names.get(0)));
            all.files.add(first);
            String save = first.metadata().get(SAVE);
            boolean alone = save == null && first.metadata().containsKey(SavedConfig.KEY);
            for (String name : alone ? List.<String>of() : names.subList(1, names.size())) {
                SafetensorsFile file = open(directory.resolve(name), save);
                if (file != null) {
                    all.files.add(file);
                }
            }
            all.files.forEach(f -> all.tensors.putAll(f.tensors()));
            return all;
        } catch (IOException | RuntimeException e) {
            all.close();
            throw e;
        }
    }

    /** The file of a save, or of whichever if that is null: under its name, or its temporary one if the save was cut off; null if there is none. */
    private static @Nullable SafetensorsFile open(Path path, @Nullable String save) throws IOException {
        Path pending = AtomicFile.pending(path);
        for (Path candidate : save == null ? List.of(path) : List.of(path, pending)) {
            if (Files.exists(candidate)) {
                SafetensorsFile file = SafetensorsFile.open(candidate);
                if (save == null || save.equals(file.metadata().get(SAVE))) {
                    if (candidate.equals(pending)) {
                        LOG.warn("{}: a save was cut off; its tensors are read from {}", path, pending);
                    }
                    return file;
                }
                file.close();
            }
        }
        if (save == null) {
            return null;
        }
        throw new BadFileException(
                path,
                "tensors of the same save as in the other files of the adapter were expected, and there are none. Get"
                        + " all files of one save.");
    }

    /** A text that is the same for the same tensors. */
    static String idOf(Collection<SafetensorsWriter> files) throws IOException {
        CRC32C sum = new CRC32C();
        for (SafetensorsWriter file : files) {
            file.updateChecksum(sum);
        }
        return Long.toHexString(sum.getValue());
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
