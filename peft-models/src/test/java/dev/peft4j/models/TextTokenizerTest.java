package dev.peft4j.models;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Texts with their special tokens, and texts that have no ids. */
class TextTokenizerTest {
    @TempDir
    Path directory;

    private TextTokenizer open(String kind, String settings) throws IOException {
        Files.copy(Fixtures.tokenizer(kind), directory.resolve("tokenizer.json"));
        Files.writeString(directory.resolve("tokenizer_config.json"), settings);
        return TextTokenizer.open(directory, 1000);
    }

    @Test
    void a_text_to_learn_begins_once_and_ends_once() throws IOException {
        try (TextTokenizer tokenizer =
                open("llama-metaspace", "{\"eos_token\":\"</s>\"}")) { // puts <s> and </s> around texts
            int[] prompt = tokenizer.encode("the fox", false);
            int[] completion = tokenizer.encode("was lost", false);
            TextTokenizer.Example example = tokenizer.encodeExample("the fox", "was lost", 100);
            assertArrayEquals(ids(List.of(1), prompt, completion, List.of(2)), example.ids());
            assertEquals(prompt.length + 1, example.promptLength());

            TextTokenizer.Example text = tokenizer.encodeExample("", "was lost", 100);
            assertArrayEquals(ids(List.of(1), new int[0], completion, List.of(2)), text.ids());
            assertEquals(0, text.promptLength());

            int[] named =
                    tokenizer.encodeExample("<s>the fox", "was lost</s>", 100).ids();
            assertEquals(1, Arrays.stream(named).filter(id -> id == 1).count());
            assertEquals(1, Arrays.stream(named).filter(id -> id == 2).count());
            assertArrayEquals(ids(List.of(1), prompt, new int[0], List.of()), tokenizer.encodePrompt("the fox"));
            assertArrayEquals(ids(List.of(1), prompt, new int[0], List.of(2)), tokenizer.encode("the fox", true));
        }
    }

    private static int[] ids(List<Integer> before, int[] first, int[] second, List<Integer> after) {
        return IntStream.of(0, 1, 2, 3)
                .flatMap(i -> switch (i) {
                    case 0 -> before.stream().mapToInt(Integer::intValue);
                    case 1 -> Arrays.stream(first);
                    case 2 -> Arrays.stream(second);
                    default -> after.stream().mapToInt(Integer::intValue);
                })
                .toArray();
    }

    @ParameterizedTest
    @CsvSource({"1", "2", "5", "8", "9", "100"})
    void a_text_to_learn_is_cut_at_its_end(int most) throws IOException {
        try (TextTokenizer tokenizer = open("llama", "{\"eos_token\":\"</s>\"}")) {
            TextTokenizer.Example all = tokenizer.encodeExample("the fox", "was lost", 1000);
            TextTokenizer.Example cut = tokenizer.encodeExample("the fox", "was lost", most);
            assertArrayEquals(Arrays.copyOf(all.ids(), Math.min(most, all.ids().length)), cut.ids());
            assertEquals(Math.min(most, all.promptLength()), cut.promptLength());
        }
    }

    @Test
    void a_text_to_classify_is_cut_inside_its_special_tokens() throws IOException {
        try (TextTokenizer tokenizer = open("bert", "{\"tokenizer_class\":\"BertTokenizer\"}")) {
            int[] all = tokenizer.encode("the small fox saw the river", true);
            for (int most : new int[] {2, 3, 5, all.length, 50}) {
                int[] ids = tokenizer.encode("the small fox saw the river", true, most);
                assertEquals(Math.min(most, all.length), ids.length);
                assertEquals(2, ids[0]);
                assertEquals(3, ids[ids.length - 1]);
                assertArrayEquals(Arrays.copyOf(all, ids.length - 1), Arrays.copyOf(ids, ids.length - 1));
                assertArrayEquals(ids, tokenizer.shorten(all, most));
            }
            assertThrows(IllegalArgumentException.class, () -> tokenizer.encode("a", true, 1));
            assertThrows(IllegalArgumentException.class, () -> tokenizer.shorten(all, 1));
        }
    }

    @ParameterizedTest
    @CsvSource({"bert", "gpt2", "llama", "t5"})
    void half_of_a_character_is_refused_and_a_zero_is_not(String kind) throws IOException {
        try (TextTokenizer tokenizer = open(kind, "{}")) {
            for (String text : List.of("a\ud83d", "\ude00b", "a\ude00\ud83db")) {
                String message = assertThrows(IllegalArgumentException.class, () -> tokenizer.encode(text, true))
                        .getMessage();
                assertTrue(message.contains("surrogate"), message);
            }
            tokenizer.encode("a\u0000b", true);
            assertEquals("", tokenizer.decode());
            tokenizer.decode(-1, Integer.MAX_VALUE, Integer.MIN_VALUE, 999);
        }
    }

    @Test
    void a_closed_tokenizer_says_so() throws IOException {
        TextTokenizer tokenizer = open("gpt2", "{}");
        tokenizer.close();
        tokenizer.close();
        assertThrows(IllegalStateException.class, () -> tokenizer.encode("a", true));
        assertThrows(IllegalStateException.class, () -> tokenizer.decode(1));
    }

    @Test
    void closing_waits_for_who_encodes() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            for (int round = 0; round < 20; round++) {
                TextTokenizer tokenizer =
                        TextTokenizer.open(Fixtures.directory().resolve("gpt2"), 1000);
                Future<?> encoding = threads.submit(() -> {
                    while (true) {
                        tokenizer.encode("the small fox ".repeat(50), true);
                    }
                });
                Thread.sleep(3);
                tokenizer.close();
                Exception e = assertThrows(Exception.class, encoding::get);
                assertTrue(e.getCause() instanceof IllegalStateException, e::toString);
            }
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void many_ids_are_decoded_in_parts() throws IOException {
        try (TextTokenizer tokenizer = open("gpt2", "{}")) {
            int[] ids = new int[2_000_000];
            Arrays.fill(ids, 300);
            String message = assertThrows(IllegalArgumentException.class, () -> tokenizer.decode(ids))
                    .getMessage();
            assertTrue(message.contains("2000000 ids"), message);
        }
    }
}
