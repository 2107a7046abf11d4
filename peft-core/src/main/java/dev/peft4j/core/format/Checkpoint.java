package dev.peft4j.core.format;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The weights of a Hugging Face model directory: {@code model.safetensors}, or shards and their index. */
public final class Checkpoint implements AutoCloseable {
    private static final String SINGLE = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";

    private final Path directory;
    private final List<SafetensorsFile> files = new ArrayList<>();
    private final Map<String, SafetensorsFile> owners = new LinkedHashMap<>();

    private Checkpoint(Path directory) {
        this.directory = directory;
    }

    /**
     * Opens all files of a checkpoint and checks their headers.
     *
     * @throws BadFileException if there is none, a shard is missing or lies outside of the directory, or a header is damaged
     */
    public static Checkpoint open(Path directory) throws IOException {
        Checkpoint c = new Checkpoint(directory);
        try {
            if (Files.exists(directory.resolve(SINGLE))) {
                c.add(SafetensorsFile.open(directory.resolve(SINGLE)), null);
            } else if (Files.exists(directory.resolve(INDEX))) {
                c.openShards();
            } else {
                throw c.noCheckpoint();
            }
            return c;
        } catch (IOException | RuntimeException e) {
            c.close();
            throw e;
        }
    }

    private BadFileException noCheckpoint() throws IOException {
        if (!Files.isDirectory(directory)) {
            return new BadFileException(
                    directory, "a model directory was expected here and there is none. Check the path.");
        }
        try (Stream<Path> content = Files.list(directory)) {
            boolean pickle = content.anyMatch(
                    p -> p.toString().endsWith(".bin") || p.toString().endsWith(".pt"));
            return new BadFileException(
                    directory,
                    pickle
                            ? "the weights are a pickle file (.bin, .pt), which can run code when it is read, so it is refused."
                                    + " Convert it once in Python: AutoModel.from_pretrained(dir).save_pretrained(dir,"
                                    + " safe_serialization=True)"
                            : "neither " + SINGLE + " nor " + INDEX + " is in this directory. Give the directory of a"
                                    + " Hugging Face model.");
        }
    }

    private void openShards() throws IOException {
        Path index = directory.resolve(INDEX);
        if (!(Json.read(index).get("weight_map") instanceof Map<?, ?> weightMap)) {
            throw new BadFileException(
                    index, "the object \"weight_map\" was expected and is not there. Get the file again.");
        }
        for (Object shard : new LinkedHashSet<>(weightMap.values())) {
            String name = String.valueOf(shard);
            if (!(shard instanceof String) || !isPlainName(name)) {
                throw new BadFileException(
                        index,
                        "the shard \"" + name
                                + "\" is not the name of a .safetensors file in this directory. Do not use this checkpoint unless you"
                                + " trust its origin, and correct the index.");
            }
            SafetensorsFile file = SafetensorsFile.open(directory.resolve(name));
            add(file, weightMap);
        }
        for (Map.Entry<?, ?> e : weightMap.entrySet()) {
            if (!owners.containsKey(String.valueOf(e.getKey()))) {
                throw new BadFileException(
                        index,
                        "tensor " + e.getKey() + " is said to be in " + e.getValue()
                                + ", which does not have it. Get the checkpoint again.");
            }
        }
    }

    /** Whether a text is the name of a file in a directory, and leads nowhere else. */
    private static boolean isPlainName(String name) {
        return name.endsWith(".safetensors") && name.chars().noneMatch(c -> c == '/' || c == '\\' || c < ' ');
    }

    private void add(SafetensorsFile file, @Nullable Map<?, ?> weightMap) throws IOException {
        files.add(file);
        for (String name : file.tensors().keySet()) {
            if (weightMap != null && !String.valueOf(file.path().getFileName()).equals(weightMap.get(name))) {
                throw new BadFileException(
                        file.path(),
                        "tensor " + name + " is in this file but not by the index. Get the checkpoint again.");
            }
            owners.put(name, file);
        }
    }

    public Path directory() {
        return directory;
    }

    /** Names of all tensors. */
    public Set<String> names() {
        return owners.keySet();
    }

    /** What the header says of a tensor, or null if there is none of that name. */
    public @Nullable TensorInfo info(String name) {
        SafetensorsFile file = owners.get(name);
        return file == null ? null : file.tensors().get(name);
    }

    /** Reads a tensor; see {@link SafetensorsFile#load}. */
    public Tensor load(String name, DType dtype, boolean transposed) throws IOException {
        SafetensorsFile file = owners.get(name);
        if (file == null) {
            throw new BadFileException(directory, "tensor " + name + " was asked for and no file has it");
        }
        return transposed ? file.loadTransposed(name, dtype) : file.load(name, dtype);
    }

    /**
     * Adds a tensor as it is here to a file that is written before this is closed.
     *
     * @param newName under which it is there
     */
    public void copy(String name, SafetensorsWriter to, String newName) throws IOException {
        SafetensorsFile file = owners.get(name);
        TensorInfo info = info(name);
        if (file == null || info == null) {
            throw new BadFileException(
                    directory,
                    "tensor " + name
                            + " was there when the model was read, and no file has it now. Put the files back.");
        }
        to.addCopy(newName, file, info);
    }

    /**
     * Whether all elements of a tensor are as they should be; of whole numbers and truth values too.
     *
     * @param test is given the number of each element, row by row, and its value
     */
    public boolean all(String name, SafetensorsFile.ElementTest test) throws IOException {
        SafetensorsFile file = owners.get(name);
        return file != null && file.all(name, test);
    }

    /** Whether two tensors have the same elements. */
    public boolean repeats(String name, String other) throws IOException {
        SafetensorsFile file = owners.get(name);
        SafetensorsFile second = owners.get(other);
        return file != null && second != null && file.repeats(name, second, other);
    }

    @Override
    public void close() throws IOException {
        for (SafetensorsFile file : files) {
            file.close();
        }
    }
}
