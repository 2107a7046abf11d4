package dev.peft4j.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Base64;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Character maps of SentencePiece, whole and damaged. */
class CharsMapTest {
    private static byte[] map() throws IOException {
        String base64 = Fixtures.read(Fixtures.tokenizer("t5"))
                .at("/normalizer/precompiled_charsmap")
                .asText();
        return Base64.getDecoder().decode(base64);
    }

    private static String text(byte[] map) {
        return Base64.getEncoder().encodeToString(map);
    }

    @Test
    void a_map_says_how_much_longer_it_makes_a_text() throws IOException {
        CharsMap map = CharsMap.of(text(map()));
        assertEquals(1, map.growth()); // what 1/2 is made of has three characters, too
        assertEquals(text(map()), map.base64());
    }

    @Test
    void a_map_without_padding_is_given_to_the_library_with_it() throws IOException {
        String base64 = text(map());
        assertEquals(base64, CharsMap.of(base64.replace("=", "")).base64());
    }

    /** Damage of the trie leads out of it, or somewhere in it. */
    @Test
    void a_damaged_map_is_refused_or_stays_inside() throws IOException {
        byte[] map = map();
        int[] used = IntStream.range(1, 1000)
                .map(i -> i * 4)
                .filter(i -> i + 4 < map.length && (map[i] | map[i + 1] | map[i + 2] | map[i + 3]) != 0)
                .toArray();
        SplittableRandom random = new SplittableRandom(3);
        int refused = 0;
        for (int i = 0; i < 500; i++) {
            byte[] bytes = map.clone();
            bytes[used[random.nextInt(used.length)] + random.nextInt(4)] ^= (byte) (1 << random.nextInt(8));
            try {
                assertTrue(CharsMap.of(text(bytes)).growth() < bytes.length);
            } catch (IllegalArgumentException e) {
                refused++;
                assertTrue(e.getMessage().startsWith("its") || e.getMessage().startsWith("it has"), e.getMessage());
            }
        }
        assertTrue(refused > 50, "refused " + refused);
    }

    @Test
    void what_is_no_map_is_refused() {
        for (String base64 : new String[] {"", "AAAA", "!", "AAAAAAAAAAA=", "/////wAAAAAAAAA=", text(new byte[5000])}) {
            assertThrows(IllegalArgumentException.class, () -> CharsMap.of(base64), base64);
        }
    }
}
