package dev.peft4j.models.gguf;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.core.format.Problems;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file that is open for reading.
 *
 * @param path of the file
 * @param channel on it
 * @param size in bytes, when it was opened
 */
record FileBytes(Path path, FileChannel channel, long size) implements AutoCloseable {

    static FileBytes open(Path path) throws IOException {
        if (!Files.isRegularFile(path)) {
            throw new BadFileException(path, "a GGUF file was expected here and there is none. Check the path.");
        }
        FileChannel channel;
        try {
            channel = FileChannel.open(path, StandardOpenOption.READ);
        } catch (FileSystemException e) {
            throw new BadFileException(
                    path, "a GGUF file was to be read: " + Problems.of(e) + ". Check the file and its rights.", e);
        }
        try {
            return new FileBytes(path, channel, channel.size());
        } catch (ClosedByInterruptException e) {
            throw new StoppedException(path + " was to be read");
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    /** What to throw where something is wrong: it names the file. */
    BadFileException bad(String problem) {
        return new BadFileException(path, problem);
    }

    /** Fills a buffer. */
    void read(ByteBuffer to, long position) throws IOException {
        long at = position;
        while (to.hasRemaining()) {
            int n;
            try {
                n = channel.read(to, at);
            } catch (ClosedByInterruptException e) {
                throw new StoppedException(path + " was to be read");
            }
            if (n < 0) {
                throw bad("became shorter while it was read. Get the file again.");
            }
            at += n;
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
