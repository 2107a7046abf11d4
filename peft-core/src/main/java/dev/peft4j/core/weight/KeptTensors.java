package dev.peft4j.core.weight;

import dev.peft4j.core.format.AtomicFile;
import dev.peft4j.core.format.Checkpoint;
import dev.peft4j.core.format.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Tensors of a checkpoint that a model does not use, and that a file made of it has too, byte by byte: the pooler of an encoder that gives vectors.
 *
 * @param inFile their names in the checkpoint, by those that they are written under
 */
record KeptTensors(Map<String, String> inFile) {
    static final KeptTensors NONE = new KeptTensors(Map.of());

    /**
     * Tensors by their names in the checkpoint.
     *
     * @param prefix that those of the model have there, and not here
     * @param ownPrefix that those of the model have here, and not there
     */
    static KeptTensors of(Collection<String> names, String prefix, String ownPrefix) {
        Map<String, String> inFile = new TreeMap<>();
        for (String name : names) {
            boolean ofModel = name.startsWith(prefix);
            inFile.put(ofModel ? ownPrefix + name.substring(prefix.length()) : name, name);
        }
        return new KeptTensors(inFile);
    }

    /**
     * Writes a file with them beside what it has.
     *
     * @param taken names of tensors that it has
     * @param directory of the checkpoint
     */
    void write(SafetensorsWriter writer, Set<String> taken, Path directory, Path file) throws IOException {
        if (taken.containsAll(inFile.keySet())) {
            writer.write(file);
            return;
        }
        AtomicFile.write(file, channel -> {
            SafetensorsWriter whole = writer.copy();
            try (Checkpoint source = Checkpoint.open(directory)) { // anew, where an interrupt has closed it
                for (Map.Entry<String, String> e : inFile.entrySet()) {
                    if (!taken.contains(e.getKey())) {
                        source.copy(e.getValue(), whole, e.getKey());
                    }
                }
                whole.content().writeTo(channel);
            }
        });
    }
}
