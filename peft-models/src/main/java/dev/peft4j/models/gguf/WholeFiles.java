package dev.peft4j.models.gguf;

import dev.peft4j.core.format.AtomicFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Files that are written while others are read: where those turn out to be bad, nothing is left behind. */
final class WholeFiles {
    private static final int CHUNK = 1 << 18; // elements

    private WholeFiles() {}

    /** Some numbers that are read when they are written. */
    @FunctionalInterface
    interface Sink {
        void put(float[] values) throws IOException;
    }

    /** Writes all files of a directory, or none. */
    static void write(Path directory, Map<String, AtomicFile.Content> files) throws IOException {
        boolean[] failed = {false};
        Map<String, AtomicFile.Content> noted = new LinkedHashMap<>();
        files.forEach((name, content) -> noted.put(name, channel -> {
            failed[0] = true;
            content.writeTo(channel);
            failed[0] = false;
        }));
        try {
            AtomicFile.writeAll(directory, noted);
        } catch (IOException | RuntimeException e) {
            if (failed[0]) { // in the content, and not because another one writes there
                for (String name : files.keySet()) {
                    Files.deleteIfExists(AtomicFile.pending(directory.resolve(name)));
                }
            }
            throw e;
        }
    }

    static void put(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /** What writes numbers in a plain format. */
    static Sink sink(FileChannel channel, String tensor, GgufType type) {
        ByteBuffer bytes = ByteBuffer.allocate((int) type.bytes(CHUNK)).order(ByteOrder.LITTLE_ENDIAN);
        return values -> {
            for (int at = 0; at < values.length; at += CHUNK) {
                int end = Math.min(values.length, at + CHUNK);
                bytes.clear();
                for (int i = at; i < end; i++) {
                    PlainNumbers.put(bytes, tensor, type, values[i]);
                }
                put(channel, bytes.flip());
            }
        };
    }
}
