package dev.peft4j.models.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.peft4j.core.format.Json;
import dev.peft4j.models.TextTokenizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A real model against what Python makes of its file, where {@code -Dpeft4j.smollm2=DIR} names a directory with {@code smollm2.gguf}, and {@code smollm2} and
 * {@code smollm2-bf16}, made of it by gguf-py.
 */
class SmolLm2Test {
    private static final Path GIVEN = Path.of(System.getProperty("peft4j.smollm2", "missing"));

    @TempDir
    private Path temporary;

    @BeforeEach
    void needsTheModel() {
        assumeTrue(Files.exists(GIVEN.resolve("smollm2.gguf")));
    }

    @Test
    void single_precision_equals_what_python_decodes() throws IOException {
        GgufConversion.toDirectory(GIVEN.resolve("smollm2.gguf"), temporary);
        assertSame(GIVEN.resolve("smollm2"));
    }

    @Test
    void bfloat16_equals_what_python_rounds() throws IOException {
        GgufConversion.toDirectory(GIVEN.resolve("smollm2.gguf"), temporary, GgufType.BF16);
        assertSame(GIVEN.resolve("smollm2-bf16"));
    }

    private void assertSame(Path python) throws IOException {
        Map<String, Object> config = Json.read(temporary.resolve("config.json"));
        Json.read(python.resolve("config.json")).forEach((key, value) -> {
            if (!List.of("attention_dropout", "initializer_range", "use_cache").contains(key)) { // of training
                assertEquals(value, config.get(key), key);
            }
        });
        assertEquals(
                Json.read(python.resolve("generation_config.json")),
                Json.read(temporary.resolve("generation_config.json")));
        assertEquals(Json.read(python.resolve("tokenizer.json")), Json.read(temporary.resolve("tokenizer.json")));
        assertEquals(
                Json.read(python.resolve("tokenizer_config.json")).get("chat_template"),
                Json.read(temporary.resolve("tokenizer_config.json")).get("chat_template"));
        try (FileChannel mine = FileChannel.open(temporary.resolve("model.safetensors"));
                FileChannel theirs = FileChannel.open(python.resolve("model.safetensors"))) {
            Map<String, Object> a = header(mine);
            Map<String, Object> b = header(theirs);
            assertEquals(272 + 2, b.size()); // and the metadata, and the start
            assertEquals(b.keySet(), Map.copyOf(a).keySet());
            for (String name : b.keySet()) {
                if (name.startsWith("model.")) {
                    assertEquals(field(b, name, "dtype"), field(a, name, "dtype"), name);
                    assertEquals(field(b, name, "shape"), field(a, name, "shape"), name);
                    assertArrayEquals(bytes(theirs, b, name), bytes(mine, a, name), name);
                }
            }
        }
    }

    @Test
    void ids_are_those_of_pythons_tokenizer() throws IOException {
        Path mine = temporary.resolve("mine");
        GgufConversion.toDirectory(GIVEN.resolve("smollm2.gguf"), mine);
        Path theirs =
                Files.createDirectory(temporary.resolve("theirs")); // without the class that does not split digits
        for (String name : List.of("tokenizer.json", "config.json")) {
            Files.copy(GIVEN.resolve("smollm2").resolve(name), theirs.resolve(name));
        }
        List<?> texts =
                (List<?>) Json.read(Gguf.resource("/tokenizers/texts.json")).get("texts");
        try (TextTokenizer a = TextTokenizer.open(theirs, 49152);
                TextTokenizer b = TextTokenizer.open(mine, 49152)) {
            for (Object text : texts) {
                assertArrayEquals(a.encode((String) text, true), b.encode((String) text, true), (String) text);
            }
            assertArrayEquals(new int[] {81, 256, 33, 34}, b.encode("a  12", true)); // as llama.cpp
            assertEquals(2, b.endToken());
        }
    }

    private static Map<String, Object> header(FileChannel channel) throws IOException {
        ByteBuffer length = read(channel, 0, 8);
        byte[] json = read(channel, 8, (int) length.getLong(0)).array();
        Map<String, Object> header = Json.parse(new String(json, StandardCharsets.UTF_8));
        header.put("start", 8L + json.length);
        return header;
    }

    private static Object field(Map<String, Object> header, String tensor, String name) {
        return ((Map<?, ?>) header.get(tensor)).get(name);
    }

    private static byte[] bytes(FileChannel channel, Map<String, Object> header, String name) throws IOException {
        List<?> offsets = (List<?>) field(header, name, "data_offsets");
        long begin = ((Number) offsets.get(0)).longValue();
        long end = ((Number) offsets.get(1)).longValue();
        return read(channel, (Long) header.get("start") + begin, (int) (end - begin))
                .array();
    }

    private static ByteBuffer read(FileChannel channel, long at, int n) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(n).order(ByteOrder.LITTLE_ENDIAN);
        while (bytes.hasRemaining()) {
            channel.read(bytes, at + bytes.position());
        }
        return bytes.flip();
    }
}
