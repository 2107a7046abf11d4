package dev.peft4j.parquet;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/** The bytes of a file, in any order. Whoever opened it closes it. */
final class Source implements Closeable {
    private final SeekableByteChannel channel;
    private final long size;

    Source(Path file) throws IOException {
        channel = Files.newByteChannel(file);
        size = channel.size();
    }

    long size() {
        return size;
    }

    /** So many bytes from a place on. */
    byte[] read(long at, long n) throws IOException {
        if (at < 0 || n < 0 || n > Integer.MAX_VALUE - 8 || at > size - n) {
            throw ParquetProblem.damaged(
                    n + " bytes were expected from byte " + at + " on, and the file has " + size + " bytes");
        }
        ByteBuffer read = ByteBuffer.allocate((int) n);
        channel.position(at);
        while (read.hasRemaining()) {
            if (channel.read(read) < 0) {
                throw ParquetProblem.damaged("the file became shorter while it was read");
            }
        }
        return read.array();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
