package dev.peft4j.models;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The first tokens of a long text, of which only a beginning is encoded. */
class FirstTokensTest {
    private static final int ROUNDS = Integer.getInteger("peft4j.first", 10);

    static Stream<String> kinds() throws IOException {
        return Fixtures.kinds().stream();
    }

    static TextTokenizer open(String kind) throws IOException {
        Path directory = Fixtures.directory().resolve(kind);
        return TextTokenizer.open(directory, 100_000);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void first_tokens_are_those_of_the_whole_text(String kind) throws IOException {
        try (TextTokenizer tokenizer = open(kind)) {
            for (int round = 0; round < ROUNDS; round++) {
                SplittableRandom random = new SplittableRandom(round * 31L + kind.hashCode());
                String text = text(random, random.nextInt(300, 6000));
                int[] all = tokenizer.encode(text, false);
                for (int most : new int[] {0, 1, 7, 40, 150, all.length, all.length + 5}) {
                    int[] expected = Arrays.copyOf(all, Math.min(most, all.length));
                    String seed =
                            kind + ", round " + round + ", " + most + " tokens of " + text.length() + " characters";
                    assertArrayEquals(expected, tokenizer.encode(text, false, most), seed);
                }
            }
        }
    }

    /** Words, a language without spaces, one long word, a run of one character, a few characters in all orders, anything. */
    private static String text(RandomGenerator random, int length) {
        int kind = random.nextInt(7);
        String few = random.ints(3, 'a', 'h').mapToObj(Character::toString).collect(Collectors.joining());
        String one = HostileText.character(random);
        StringBuilder text = new StringBuilder();
        while (text.length() < length) {
            text.append(
                    switch (kind) {
                        case 0 -> " " + word(random, 1 + random.nextInt(9));
                        case 1 -> Character.toString(random.nextInt(0x4e00, 0x4e60));
                        case 2 -> word(random, 20);
                        case 3 -> one;
                        case 4 -> Character.toString(few.charAt(random.nextInt(3)));
                        case 5 -> HostileText.character(random);
                        default ->
                            List.of(" ", "  ", "fox", "</s>", "\n", "x", "Hello", "<mask>", "e\u0301", ".")
                                    .get(random.nextInt(10));
                    });
        }
        return text.toString();
    }

    private static String word(RandomGenerator random, int length) {
        return random.ints(length, 'a', 'z' + 1).mapToObj(Character::toString).collect(Collectors.joining());
    }

    @ParameterizedTest
    @ValueSource(strings = {"bert", "llama3", "t5"})
    void a_line_of_a_hundred_megabytes_is_cut_in_no_time(String kind) throws IOException {
        String line = "the small fox was lost near 中文 ".repeat(100_000_000 / 30);
        try (TextTokenizer tokenizer = open(kind)) {
            int[] ids = Assertions.assertTimeout(Duration.ofSeconds(5), () -> tokenizer.encode(line, true, 512));
            assertEquals(512, ids.length);
            String message = assertThrows(IllegalArgumentException.class, () -> tokenizer.encode(line, true))
                    .getMessage();
            assertTrue(message.contains(String.valueOf(line.length())), message);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bert", "t5"})
    void a_text_whose_beginning_settles_too_few_tokens_is_refused(String kind) throws IOException {
        String spaces = " ".repeat(3_000_000);
        try (TextTokenizer tokenizer = open(kind)) {
            String message = assertThrows(IllegalArgumentException.class, () -> tokenizer.encode(spaces, true, 8))
                    .getMessage();
            assertTrue(message.contains("3000000") && message.contains("Cut"), message);
        }
    }
}
