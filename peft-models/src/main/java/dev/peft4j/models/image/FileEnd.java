package dev.peft4j.models.image;

import dev.peft4j.core.error.BadFileException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32;

/** Whether files of images are cut short, which their headers do not tell: so that a run does not meet it in its middle. */
final class FileEnd {
    private static final int PART = 1 << 15;
    private static final int PNG_HEADER = 8;
    private static final int CHUNK = 8; // its length and name
    private static final int CHECK = 4; // behind its data
    private static final int LAST = 0x49454e44; // IEND

    private FileEnd() {}

    /**
     * Makes sure that a PNG file has all of its chunks, and a JPEG file the mark of its end; other forms are not looked at.
     *
     * @throws BadFileException if not
     */
    static void requireWhole(Path file) throws IOException {
        try (SeekableByteChannel channel = Files.newByteChannel(file)) {
            ByteBuffer begin = read(channel, 0, PNG_HEADER);
            if (begin.remaining() < 2) {
                return;
            }
            int mark = begin.getShort(0) & 0xffff;
            boolean isWhole = mark == 0x8950 ? hasLastChunk(channel) : mark != 0xffd8 || hasEnd(channel);
            if (!isWhole) {
                throw new BadFileException(file, "a whole image was expected, and it is cut short. Get it again.");
            }
        }
    }

    private static boolean hasLastChunk(SeekableByteChannel png) throws IOException {
        long at = PNG_HEADER;
        while (true) {
            ByteBuffer chunk = read(png, at, CHUNK);
            if (chunk.remaining() < CHUNK) {
                return false;
            }
            if (chunk.getInt(4) == LAST) {
                return true;
            }
            at += CHUNK + CHECK + (chunk.getInt(0) & 0xffffffffL);
        }
    }

    /** At the end; or anywhere, where something was put behind the image. */
    private static boolean hasEnd(SeekableByteChannel jpeg) throws IOException {
        long size = jpeg.size();
        for (long at = Math.max(0, size - PART); ; at = Math.max(0, at - PART + 1)) {
            ByteBuffer part = read(jpeg, at, PART);
            for (int i = part.remaining() - 2; i >= 0; i--) {
                if ((part.getShort(i) & 0xffff) == 0xffd9) {
                    return true;
                }
            }
            if (at == 0) {
                return false;
            }
        }
    }

    /** Of the first and the last part of a file. */
    static long checksum(Path file) throws IOException {
        CRC32 sum = new CRC32();
        try (SeekableByteChannel channel = Files.newByteChannel(file)) {
            sum.update(read(channel, 0, PART));
            sum.update(read(channel, Math.max(0, channel.size() - PART), PART));
        }
        return sum.getValue();
    }

    private static ByteBuffer read(SeekableByteChannel channel, long at, int most) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(most);
        channel.position(at);
        int count = 0;
        while (count >= 0 && bytes.hasRemaining()) {
            count = channel.read(bytes);
        }
        return bytes.flip();
    }
}
