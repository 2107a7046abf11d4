package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.Json;
import dev.peft4j.models.TextTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the library of tokenizers said of texts, pairs of texts and their places, where the reference material is at hand. */
class SharedTokenizersTest {
    @ParameterizedTest
    @ValueSource(strings = {"bert", "gpt2"})
    void texts_pairs_and_places_are_those_of_the_library(String kind) throws IOException {
        Path directory = GoldenCase.goldenRoot().resolve("tokenizers").resolve(kind);
        assumeTrue(Files.isDirectory(directory), "skipped: these goldens have no tokenizers");
        Map<String, Object> cases = Json.read(directory.resolve("cases.json"));
        int size = ((Number) cases.get("vocab_size")).intValue();
        try (TextTokenizer tokenizer = TextTokenizer.open(directory, size)) {
            each(cases, "texts", c -> checkText(tokenizer, c));
            each(cases, "pairs", c -> checkPair(tokenizer, c));
            each(cases, "truncated", c -> checkCut(tokenizer, c));
        }
    }

    private interface Check {
        void run(Map<?, ?> c);
    }

    private static void each(Map<String, Object> cases, String name, Check check) {
        List<?> list = (List<?>) cases.get(name);
        assertTrue(list.size() > 5, name);
        list.forEach(c -> check.run((Map<?, ?>) c));
    }

    private static void checkText(TextTokenizer tokenizer, Map<?, ?> c) {
        String text = String.valueOf(c.get("text"));
        Map<?, ?> special = (Map<?, ?>) c.get("with_special");
        int[] ids = GoldenCase.ints(special.get("ids"));
        assertArrayEquals(ids, tokenizer.encode(text, true), text);
        assertArrayEquals(GoldenCase.ints(c.get("ids_plain")), tokenizer.encode(text, false), text);
        assertEquals(c.get("decoded_skip_special"), tokenizer.decode(ids), text);
        TextTokenizer.Located located = tokenizer.locate(text);
        assertArrayEquals(GoldenCase.ints(c.get("ids_plain")), located.ids(), text);
        int[][] places = GoldenCase.rows(special.get("offsets"));
        int before = tokenizer.inFront();
        for (int i = 0; i < located.ids().length; i++) {
            int begin = text.offsetByCodePoints(0, places[before + i][0]);
            int end = text.offsetByCodePoints(0, places[before + i][1]);
            assertEquals(begin, located.begins()[i], text);
            assertEquals(end, located.ends()[i], text);
        }
    }

    private static void checkPair(TextTokenizer tokenizer, Map<?, ?> c) {
        TextTokenizer.Tokens tokens = tokenizer.encodePair(
                String.valueOf(c.get("text")), String.valueOf(c.get("pair")), TextTokenizer.Cut.LONGER, 512);
        assertArrayEquals(GoldenCase.ints(c.get("ids")), tokens.ids(), c::toString);
        assertArrayEquals(GoldenCase.ints(c.get("type_ids")), tokens.types(), c::toString);
    }

    private static void checkCut(TextTokenizer tokenizer, Map<?, ?> c) {
        String text = String.valueOf(c.get("text"));
        int most = ((Number) c.get("max_length")).intValue();
        if (!(c.get("pair") instanceof String pair)) {
            assertArrayEquals(GoldenCase.ints(c.get("ids")), tokenizer.encode(text, true, most), c::toString);
            return;
        }
        TextTokenizer.Cut cut =
                switch (String.valueOf(c.get("strategy"))) {
                    case "only_first" -> TextTokenizer.Cut.FIRST;
                    case "only_second" -> TextTokenizer.Cut.SECOND;
                    default -> TextTokenizer.Cut.LONGER;
                };
        if (c.containsKey("error")) { // what is not cut does not fit
            assertThrows(BadInputException.class, () -> tokenizer.encodePair(text, pair, cut, most), c::toString);
            return;
        }
        TextTokenizer.Tokens tokens = tokenizer.encodePair(text, pair, cut, most);
        assertArrayEquals(GoldenCase.ints(c.get("ids")), tokens.ids(), c::toString);
        assertArrayEquals(GoldenCase.ints(c.get("type_ids")), tokens.types(), c::toString);
    }
}
