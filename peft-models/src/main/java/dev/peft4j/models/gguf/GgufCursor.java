package dev.peft4j.models.gguf;

import dev.peft4j.core.error.BadFileException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Reads the header of a GGUF file from its beginning on; whatever it does not have is an error before memory is taken for it. */
final class GgufCursor {
    /** Those of the largest vocabularies have 20 MB. */
    static final long MOST_BYTES = 64 << 20;

    private static final int BUFFER_BYTES = 1 << 16;

    private final FileBytes file;
    private final ByteBuffer buffer;
    private long behind; // position in the file of what follows the buffer

    GgufCursor(FileBytes file) {
        this.file = file;
        this.buffer = ByteBuffer.allocate((int) Math.min(BUFFER_BYTES, file.size()))
                .order(ByteOrder.LITTLE_ENDIAN)
                .limit(0);
    }

    /** Where the next byte lies in the file. */
    long position() {
        return behind - buffer.remaining();
    }

    /** Bytes that the file still has. */
    long remaining() {
        return file.size() - position();
    }

    FileBytes file() {
        return file;
    }

    BadFileException bad(String problem) {
        return file.bad(problem + ", at byte " + position() + " of " + file.size()
                + ". The file is damaged or no GGUF file; get it again.");
    }

    /**
     * Makes sure that the file can hold what it promises.
     *
     * @param what as the beginning of a sentence
     * @param count unsigned
     * @param bytes that each of them has at least
     */
    int count(String what, long count, int bytes) throws BadFileException {
        if (count < 0 || count > remaining() / bytes || count > MOST_BYTES / bytes) {
            throw bad(what + " is said to be " + Long.toUnsignedString(count) + ", and " + remaining()
                    + " bytes are left for them");
        }
        return (int) count;
    }

    private void need(int bytes) throws IOException {
        if (bytes > remaining()) {
            throw bad(bytes + " more bytes were expected, and " + remaining() + " are left");
        }
        if (position() + bytes > MOST_BYTES) {
            throw bad("the header has more than " + MOST_BYTES + " bytes, which no model needs");
        }
        if (buffer.remaining() < bytes) {
            buffer.compact();
            buffer.limit((int) Math.min(buffer.capacity(), buffer.position() + file.size() - behind));
            int read = buffer.remaining();
            file.read(buffer, behind);
            behind += read;
            buffer.flip();
        }
    }

    int u8() throws IOException {
        need(1);
        return Byte.toUnsignedInt(buffer.get());
    }

    long u32() throws IOException {
        need(4);
        return Integer.toUnsignedLong(buffer.getInt());
    }

    /** An unsigned number of 64 bits, as its bits. */
    long u64() throws IOException {
        need(8);
        return buffer.getLong();
    }

    /** So many bytes, which were found to be there. */
    byte[] bytes(int n) throws IOException {
        byte[] out = new byte[n];
        int at = 0;
        while (at < n) {
            need(1);
            int part = Math.min(n - at, buffer.remaining());
            need(part);
            buffer.get(out, at, part);
            at += part;
        }
        return out;
    }

    /** A text: its length in bytes, then UTF-8. */
    String text() throws IOException {
        int n = count("the length of a text", u64(), 1);
        if (n == 0) {
            return "";
        }
        byte[] utf8 = bytes(n);
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(utf8))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new BadFileException(
                    file.path(), "a text of " + n + " bytes is not UTF-8. The file is damaged; get it again.", e);
        }
    }
}
