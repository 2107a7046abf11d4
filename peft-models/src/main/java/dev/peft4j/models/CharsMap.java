package dev.peft4j.models;

import dev.peft4j.core.error.BadInputException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/**
 * The character map of a SentencePiece normaliser ({@code precompiled_charsmap}): the size of a trie in bytes, the trie as a double array, and the
 * texts that characters are replaced by, each closed by a zero byte.
 *
 * <p>The tokenizer library follows the numbers in it without looking, so every place that can be reached is visited here.
 *
 * @param base64 the map, as the library wants it
 * @param growth most characters that one of a decomposed text (NFKD) becomes
 */
record CharsMap(String base64, int growth) {
    private static final int VALUE = 0x7FFFFFFF;
    private static final int LONGEST_KEY = 5; // bytes; the library does not look for longer ones
    private static final int LONGEST_VALUE = 256; // bytes; those in use have 33
    private static final int MOST_PLACES = 1 << 20;

    /**
     * Checks a map.
     *
     * @throws BadInputException with a text that says what is wrong
     */
    static CharsMap of(String base64) {
        byte[] bytes = Base64.getDecoder().decode(base64);
        if (bytes.length < 8) {
            throw new BadInputException("it has " + bytes.length + " bytes");
        }
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        long trieBytes = Integer.toUnsignedLong(buffer.getInt());
        if (trieBytes < 4 || trieBytes > buffer.remaining()) {
            throw new BadInputException(
                    "its trie has " + trieBytes + " bytes, and " + buffer.remaining() + " are there");
        }
        int[] units = new int[(int) (trieBytes / 4)];
        for (int i = 0; i < units.length; i++) {
            units[i] = buffer.getInt();
        }
        byte[] texts = new byte[buffer.remaining()];
        buffer.get(texts);
        if (utf8(ByteBuffer.wrap(texts)) == null) {
            throw new BadInputException("its texts are not UTF-8");
        }
        Walk walk = new Walk(units, texts);
        walk.from(offset(units[0]), 0);
        // padding and unused bits as the library wants them
        return new CharsMap(Base64.getEncoder().encodeToString(bytes), walk.growth);
    }

    private static @Nullable String utf8(ByteBuffer bytes) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
        } catch (CharacterCodingException e) {
            return null;
        }
    }

    /** To the children of a node; of at most 30 bits. */
    private static int offset(int unit) {
        return (unit >>> 10) << ((unit & (1 << 9)) >>> 6);
    }

    /** Goes all ways through the trie that a key can go. */
    private static final class Walk {
        private final int[] units;
        private final byte[] texts;
        private final byte[] key = new byte[LONGEST_KEY];
        private int places;
        private int growth = 1;

        Walk(int[] units, byte[] texts) {
            this.units = units;
            this.texts = texts;
        }

        void from(int base, int depth) {
            if (depth == LONGEST_KEY) {
                return;
            }
            if ((base | 0xFF) >= units.length) {
                throw new BadInputException(
                        "its trie leads to place " + base + " of " + units.length + ", with room for 256 bytes");
            }
            if (++places > MOST_PLACES) {
                throw new BadInputException("its trie has more than " + MOST_PLACES + " places");
            }
            for (int label = 1; label < 256; label++) {
                int unit = units[base ^ label];
                if ((unit & (1 << 31 | 0xFF)) == label) {
                    key[depth] = (byte) label;
                    int child = base ^ label ^ offset(unit);
                    if ((unit & (1 << 8)) != 0) {
                        value(child, depth + 1);
                    }
                    from(child, depth + 1);
                }
            }
        }

        private void value(int place, int keyLength) {
            if (place >= units.length) {
                throw new BadInputException("its trie leads to value " + place + " of " + units.length);
            }
            int length = length(units[place] & VALUE);
            String text = utf8(ByteBuffer.wrap(key, 0, keyLength));
            if (text != null) {
                growth = Math.max(growth, (int) Math.ceil((double) length / TextGrowth.decomposed(text)));
            }
        }

        /** Characters of the decomposed text at a place. */
        private int length(int start) {
            if (start > texts.length || (start < texts.length && isContinuation(texts[start]))) {
                throw new BadInputException("its trie leads to a text at byte " + start + " of " + texts.length
                        + ", where no character begins");
            }
            int end = start;
            while (end < texts.length && texts[end] != 0 && end - start <= LONGEST_VALUE) {
                end++;
            }
            if (end - start > LONGEST_VALUE) {
                throw new BadInputException("its text at byte " + start + " has more than " + LONGEST_VALUE + " bytes");
            }
            String text = utf8(ByteBuffer.wrap(texts, start, end - start));
            return text == null ? 0 : TextGrowth.decomposed(text);
        }

        private static boolean isContinuation(byte b) {
            return (b & 0xC0) == 0x80;
        }
    }
}
