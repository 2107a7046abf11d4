package dev.peft4j.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.models.CausalModel;
import dev.peft4j.models.GenerationConfig;
import dev.peft4j.models.Models;
import dev.peft4j.models.TextGenerator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where generation stops. */
class EndOfTextTest {
    private static final int[] PROMPT = {1, 9, 7};

    @TempDir
    Path dir;

    private Path base;

    @BeforeEach
    void unpack() throws IOException {
        base = DemoModel.unpack(dir.resolve("base"));
    }

    private int[] generate(GenerationConfig config) throws IOException {
        try (CausalModel model = (CausalModel) Models.load(base, Backend.host(), 0, 0);
                TextGenerator generator = new TextGenerator(model, List.of())) {
            return generator.generate(PROMPT, config);
        }
    }

    @Test
    void a_model_stops_at_its_own_end_tokens_by_default() throws IOException {
        GenerationConfig greedy = GenerationConfig.greedy(30);
        int[] all = generate(greedy.withStopTokens(Set.of()));
        assertEquals(30, all.length);
        for (Object eos : new Object[] {all[5], List.of(all[8], all[5])}) {
            Files.writeString(base.resolve("generation_config.json"), Json.print(Map.of("eos_token_id", eos)));
            int first = IntStream.range(0, 30)
                    .filter(i -> all[i] == all[5] || (eos instanceof List<?> && all[i] == all[8]))
                    .findFirst()
                    .orElseThrow();
            int end = Arrays.stream(all).boxed().toList().indexOf(2); // of the tokenizer
            int[] expected = Arrays.copyOf(all, end >= 0 ? Math.min(end, first) : first);
            assertArrayEquals(expected, generate(greedy));
            assertArrayEquals(expected, generate(greedy.withoutCache()));
            assertArrayEquals(all, generate(greedy.withStopTokens(Set.of())));
            assertArrayEquals(
                    Arrays.copyOf(all, Arrays.stream(all).boxed().toList().indexOf(all[3])),
                    generate(greedy.withStopTokens(Set.of(all[3]))));
        }
    }

    @Test
    void end_tokens_come_from_the_files_of_a_model_and_of_its_tokenizer() throws IOException {
        try (CausalModel model = (CausalModel) Models.load(base, Backend.host(), 0, 0)) {
            assertEquals(Set.of(2), model.endTokens());
        }
        Files.writeString(base.resolve("generation_config.json"), "{\"eos_token_id\":[5,6]}");
        try (CausalModel model = (CausalModel) Models.load(base, Backend.host(), 0, 0)) {
            assertEquals(Set.of(5, 6, 2), model.endTokens());
        }
        try (CausalModel model =
                (CausalModel) Models.random(base, Json.read(base.resolve("config.json")), Backend.host(), 1)) {
            assertEquals(Set.of(), model.endTokens());
        }
    }

    @Test
    void an_end_token_that_is_none_is_refused_when_the_model_is_loaded() throws IOException {
        Files.writeString(base.resolve("generation_config.json"), "{\"eos_token_id\":\"end\"}");
        String message =
                assertThrows(BadFileException.class, () -> Models.load(base)).getMessage();
        assertTrue(message.contains("eos_token_id") && message.contains("end"), message);
    }
}
