package dev.peft4j.models;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Base64;
import java.util.BitSet;
import java.util.Deque;

/**
 * The character map of a SentencePiece normaliser ({@code precompiled_charsmap}): the size of a trie in bytes, the trie as a double array, and the
 * texts that characters are replaced by, each closed by a zero byte.
 *
 * <p>The tokenizer library follows the numbers in it without looking, so every place that can be reached is visited here once.
 *
 * @param base64 the map, as the library wants it
 * @param longest most characters that one is replaced by
 */
record CharsMap(String base64, int longest) {
    private static final int VALUE = 0x7FFFFFFF;

    /**
     * Checks a map.
     *
     * @throws IllegalArgumentException with a text that says what is wrong
     */
    static CharsMap of(String base64) {
        byte[] bytes = Base64.getDecoder().decode(base64);
        if (bytes.length < 8) {
            throw new IllegalArgumentException("it has " + bytes.length + " bytes");
        }
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        long trieBytes = Integer.toUnsignedLong(buffer.getInt());
        if (trieBytes < 4 || trieBytes > buffer.remaining()) {
            throw new IllegalArgumentException(
                    "its trie has " + trieBytes + " bytes, and " + buffer.remaining() + " are there");
        }
        int[] units = new int[(int) (trieBytes / 4)];
        for (int i = 0; i < units.length; i++) {
            units[i] = buffer.getInt();
        }
        byte[] texts = new byte[buffer.remaining()];
        buffer.get(texts);
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(texts));
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException("its texts are not UTF-8", e);
        }
        // padding and unused bits as the library wants them
        return new CharsMap(Base64.getEncoder().encodeToString(bytes), longest(units, texts));
    }

    /** Visits all nodes of the trie. */
    private static int longest(int[] units, byte[] texts) {
        int longest = 1;
        BitSet seen = new BitSet(units.length);
        Deque<Integer> open = new ArrayDeque<>();
        open.add(offset(units[0]));
        while (!open.isEmpty()) {
            int base = open.pop();
            if ((base | 0xFF) >= units.length) {
                throw new IllegalArgumentException(
                        "its trie leads to place " + base + " of " + units.length + ", with room for 256 bytes");
            }
            if (seen.get(base)) {
                continue;
            }
            seen.set(base);
            for (int label = 1; label < 256; label++) {
                int unit = units[base ^ label];
                if ((unit & (1 << 31 | 0xFF)) == label) {
                    int child = base ^ label ^ offset(unit);
                    open.push(child);
                    if ((unit >> 8 & 1) == 1) {
                        if (child >= units.length) {
                            throw new IllegalArgumentException(
                                    "its trie leads to value " + child + " of " + units.length);
                        }
                        longest = Math.max(longest, length(texts, units[child] & VALUE));
                    }
                }
            }
        }
        return longest;
    }

    /** To the children of a node; of at most 30 bits. */
    private static int offset(int unit) {
        return (unit >>> 10) << ((unit & 1 << 9) >>> 6);
    }

    /** Characters of the text at a place. */
    private static int length(byte[] texts, int start) {
        if (start > texts.length || (start < texts.length && isContinuation(texts[start]))) {
            throw new IllegalArgumentException("its trie leads to a text at byte " + start + " of " + texts.length
                    + ", where no character begins");
        }
        int n = 0;
        for (int i = start; i < texts.length && texts[i] != 0; i++) {
            n += isContinuation(texts[i]) ? 0 : 1;
        }
        return n;
    }

    private static boolean isContinuation(byte b) {
        return (b & 0xC0) == 0x80;
    }
}
