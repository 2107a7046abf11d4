package dev.peft4j.models;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Ids of tokenizers of all kinds, with all kinds of files around them, against those of transformers; scripts/make-tokenizer-fixtures.py has made them. */
class TokenizerReferenceTest {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final int SIZE = 100_000; // no token is foreign to a model of this size

    @TempDir
    Path temporary;

    @TestFactory
    Stream<DynamicTest> ids_are_those_of_transformers() throws IOException {
        List<String> texts = new ArrayList<>();
        Fixtures.read(Fixtures.directory().resolve("texts.json")).get("texts").forEach(t -> texts.add(t.asText()));
        return Fixtures.kinds().stream()
                .map(kind -> DynamicTest.dynamicTest(kind, () -> {
                    JsonNode cases =
                            Fixtures.read(Fixtures.directory().resolve(kind).resolve("cases.json"));
                    List<String> wrong = new ArrayList<>();
                    for (JsonNode c : cases.get("cases")) {
                        JsonNode answer =
                                cases.get("answers").get(c.get("answer").asInt());
                        try {
                            check(kind, c, answer, texts);
                        } catch (AssertionError | IOException | RuntimeException e) {
                            wrong.add("\n" + c.get("name").asText() + ": " + e);
                        }
                    }
                    assertTrue(cases.get("cases").size() > 0);
                    assertEquals(List.of(), wrong);
                }));
    }

    private void check(String kind, JsonNode c, JsonNode answer, List<String> texts) throws IOException {
        Path directory = Files.createTempDirectory(temporary, kind);
        Files.copy(Fixtures.directory().resolve(kind).resolve("tokenizer.json"), directory.resolve("tokenizer.json"));
        for (Map.Entry<String, JsonNode> file : c.get("files").properties()) {
            JSON.writeValue(directory.resolve(file.getKey()).toFile(), file.getValue());
        }
        if (answer.has("error")) {
            assertThrows(
                    IOException.class, () -> TextTokenizer.open(directory, SIZE).close(), answer.toString());
            return;
        }
        try (TextTokenizer tokenizer = TextTokenizer.open(directory, SIZE)) {
            for (int i = 0; i < texts.size(); i++) {
                String text = texts.get(i);
                int[] ids = ints(answer.get("ids").get(i));
                assertArrayEquals(ids, tokenizer.encode(text, true), () -> "with special tokens: " + text);
                assertArrayEquals(
                        ints(answer.get("plain").get(i)), tokenizer.encode(text, false), () -> "plain: " + text);
                assertEquals(answer.get("decoded").get(i).asText(), tokenizer.decode(ids), () -> "decoded: " + text);
            }
            assertEquals(answer.get("eos").asInt(-1), tokenizer.endToken());
        }
    }

    private static int[] ints(JsonNode list) {
        int[] out = new int[list.size()];
        for (int i = 0; i < out.length; i++) {
            out[i] = list.get(i).asInt();
        }
        return out;
    }
}
