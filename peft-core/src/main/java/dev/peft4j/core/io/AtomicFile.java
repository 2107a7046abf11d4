package dev.peft4j.core.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** Files that appear under their name only when they are complete and on the disk; until then an older file of that name stays. */
public final class AtomicFile {
    private AtomicFile() {}

    /** Writes the content of a file. */
    @FunctionalInterface
    public interface Content {
        /** Writes everything to the channel. */
        void writeTo(FileChannel channel) throws IOException;
    }

    /**
     * Writes a file by way of a temporary one in the same directory.
     *
     * @throws IOException if writing fails, as on a full disk; the temporary file is removed and an older file is untouched
     */
    public static void write(Path path, Content content) throws IOException {
        Path directory = path.toAbsolutePath().normalize().getParent();
        if (directory == null) {
            throw new IOException(
                    path + ": a file was to be written here, and this is a directory. Give the name of a file.");
        }
        Files.createDirectories(directory);
        Path temporary = Files.createTempFile(directory, "." + path.getFileName(), ".tmp");
        try {
            try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
                content.writeTo(channel);
                channel.force(true);
            }
            makeReadable(temporary);
            Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new IOException(
                    path + ": could not be written (" + e.getMessage() + "), "
                            + directory.toFile().getUsableSpace()
                            + " bytes are free there. Nothing was changed; make room or choose another directory.",
                    e);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    /** Temporary files are private to the user; the finished one is not. */
    private static void makeReadable(Path file) {
        if (!file.toFile().setReadable(true, false)) {
            throw new IllegalStateException(file + ": the file was written and vanished");
        }
    }

    /** Writes a text in UTF-8. */
    public static void write(Path path, String text) throws IOException {
        write(path, channel -> {
            ByteBuffer bytes = StandardCharsets.UTF_8.encode(text);
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        });
    }
}
