package dev.peft4j.models.data;

import dev.peft4j.core.error.BadFileException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** What is wrong with a text that is not UTF-8. */
final class Encodings {
    private static final int CHUNK = 1 << 13;
    private static final int BEGINNING = 4; // bytes

    private Encodings() {}

    /**
     * Makes sure that a text does not begin as UTF-16 or UTF-32 do: with a byte order mark of these, or with a zero byte beside a character.
     *
     * @param in supports marks, and is where it was
     * @throws BadFileException if it does
     */
    static void requireNarrow(Path file, InputStream in) throws IOException {
        in.mark(BEGINNING);
        byte[] b = in.readNBytes(BEGINNING);
        in.reset();
        String found = "";
        if (b.length >= 2 && ((b[0] == -2 && b[1] == -1) || (b[0] == -1 && b[1] == -2))) {
            found = b.length == BEGINNING && b[2] == 0 && b[3] == 0 ? "UTF-32" : "UTF-16";
        } else if (b.length == BEGINNING && b[0] == 0 && b[1] == 0) {
            found = b[2] == -2 ? "UTF-32" : "UTF-32BE";
        } else if (b.length == BEGINNING && b[1] == 0 && b[2] == 0 && b[3] == 0) {
            found = "UTF-32LE";
        } else if (b.length >= 2 && (b[0] == 0 || b[1] == 0)) {
            found = b[0] == 0 ? "UTF-16BE" : "UTF-16LE";
        }
        if (!found.isEmpty()) {
            throw new BadFileException(
                    file,
                    "line 1: text in UTF-8 was expected, and this is not UTF-8, it begins as " + found
                            + ". Convert it (iconv -f " + found + " -t UTF-8).");
        }
    }

    /**
     * The error of a text that is not UTF-8, with the line of its first byte that is none.
     *
     * @param in the text from its beginning
     */
    static BadFileException wrong(Path file, InputStream in) throws IOException {
        CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
        ByteBuffer bytes = ByteBuffer.allocate(CHUNK);
        CharBuffer characters = CharBuffer.allocate(CHUNK);
        int line = 1;
        char before = 0;
        CoderResult result;
        int read;
        do {
            read = in.read(bytes.array(), bytes.position(), bytes.remaining());
            bytes.position(bytes.position() + Math.max(0, read)).flip();
            do {
                result = decoder.decode(bytes, characters, read < 0);
                characters.flip();
                while (characters.hasRemaining()) {
                    char c = characters.get();
                    line += c == '\r' || (c == '\n' && before != '\r') ? 1 : 0;
                    before = c;
                }
                characters.clear();
            } while (result.isOverflow());
            if (result.isError()) {
                return new BadFileException(
                        file,
                        String.format(
                                "line %d: text in UTF-8 was expected, and the byte 0x%02X there is not UTF-8, perhaps Latin-1."
                                        + " Convert the file (iconv -f LATIN1 -t UTF-8).",
                                line, bytes.get(bytes.position())));
            }
            bytes.compact();
        } while (read >= 0);
        return new BadFileException(
                file, "text in UTF-8 was expected, and this is not UTF-8. Convert it (iconv -t UTF-8).");
    }
}
