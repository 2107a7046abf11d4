package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.format.SafetensorsFile;
import dev.peft4j.core.format.TensorInfo;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.train.Schedule;
import dev.peft4j.models.CausalModel;
import dev.peft4j.models.GenerationConfig;
import dev.peft4j.models.Models;
import dev.peft4j.models.TextGenerator;
import dev.peft4j.models.TextTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Hostile files, schedules, and a real model, where the reference material is at hand. */
class SharedGoldenTest {
    @Test
    void crafted_safetensors_files_are_accepted_and_refused_as_expected() throws IOException {
        Path folder = GoldenCase.goldenRoot().resolve("safetensors_bad");
        assumeTrue(Files.isDirectory(folder), "skipped: these goldens have no safetensors_bad");
        List<?> files = (List<?>) Json.read(folder.resolve("expected.json")).get("files");
        for (Object entry : files) {
            Map<?, ?> e = (Map<?, ?>) entry;
            Path file = folder.resolve(String.valueOf(e.get("file")));
            if ("reject".equals(e.get("expect"))) {
                assertThrows(BadFileException.class, () -> SafetensorsFile.open(file), () -> "accepted: " + e);
            } else {
                try (SafetensorsFile f = SafetensorsFile.open(file)) {
                    Map<?, ?> tensors = (Map<?, ?>) e.get("tensors");
                    assertEquals(tensors.keySet(), f.tensors().keySet());
                    for (TensorInfo t : f.tensors().values()) {
                        int[] shape =
                                t.shape().stream().mapToInt(Long::intValue).toArray();
                        assertArrayEquals(GoldenCase.ints(tensors.get(t.name())), shape);
                    }
                }
            }
        }
    }

    @Test
    void stories260k_gives_the_published_loss_logits_and_continuation() throws IOException {
        Path directory = Shared.require("models/stories260k");
        JsonNode golden = JsonMapper.builder()
                .build()
                .readTree(directory.resolve("golden.json").toFile());
        int[] ids = ints(golden.get("ids"));
        try (Model model = Models.load(directory, Backend.host(), 0, 0);
                TextTokenizer tokenizer = TextTokenizer.open(directory, model.vocabularySize());
                Arena arena = new Arena(DType.F32)) {
            assertArrayEquals(ids, tokenizer.encode(golden.get("text").asText(), true));
            PackedBatch batch = PackedBatch.of(List.of(PackedBatch.Sequence.labelled(ids, ids)));
            try (Pass pass = Pass.inference(model.backend(), arena)) {
                double loss = model.loss(Call.of(pass), batch, 1).mean();
                assertEquals(golden.get("mean_nll").asDouble(), loss, 1e-5);
            }
            try (Pass pass = Pass.inference(model.backend(), arena)) {
                float[] last = model.logits(Call.of(pass), batch)
                        .value()
                        .rows(ids.length - 1, 1)
                        .toFloats();
                for (int i = 0; i < last.length; i++) {
                    assertEquals(golden.get("last_logits").get(i).asDouble(), last[i], 1e-4);
                }
            }
            int[] expected = ints(golden.get("greedy_ids"));
            int[] prompt = ints(golden.get("greedy_prompt_ids"));
            int[] fresh = expected.length > prompt.length && startsWith(expected, prompt)
                    ? Arrays.copyOfRange(expected, prompt.length, expected.length)
                    : expected;
            try (TextGenerator generator = new TextGenerator((CausalModel) model, List.of())) {
                GenerationConfig greedy = GenerationConfig.greedy(fresh.length).withStopTokens(Set.of());
                assertArrayEquals(fresh, generator.generate(prompt, greedy));
            }
        }
    }

    private static boolean startsWith(int[] all, int[] start) {
        return Arrays.mismatch(all, start) == start.length;
    }

    private static int[] ints(JsonNode list) {
        List<Integer> out = new ArrayList<>();
        list.forEach(n -> out.add(n.asInt()));
        return out.stream().mapToInt(Integer::intValue).toArray();
    }

    @Test
    void stories260k_tokenizer_cases_are_equal() throws IOException {
        Path directory = Shared.require("models/stories260k");
        JsonNode cases = JsonMapper.builder()
                .build()
                .readTree(directory.resolve("tokenizer_cases.json").toFile());
        try (TextTokenizer tokenizer = TextTokenizer.open(directory, 512)) {
            assertEquals(2, tokenizer.endToken());
            for (JsonNode c : cases.isArray() ? cases : cases.get("cases")) {
                assertArrayEquals(
                        ints(c.get("ids")), tokenizer.encode(c.get("text").asText(), true), c::toString);
            }
        }
    }

    @Test
    void schedules_equal_those_of_transformers() throws IOException {
        Path folder = GoldenCase.goldenRoot().resolve("cases/optim/schedules");
        assumeTrue(Files.isDirectory(folder), "skipped: these goldens have no schedules");
        Map<String, Object> json = Json.read(folder.resolve("case.json"));
        int compared = 0;
        for (Object o : (Iterable<?>) json.get("schedules")) {
            compared += compare((Map<?, ?>) o) ? 1 : 0;
        }
        assertTrue(compared >= 4, "schedules compared: " + compared);
    }

    private static boolean compare(Map<?, ?> s) {
        Schedule schedule =
                switch (String.valueOf(s.get("schedule"))) {
                    case "constant", "constant_with_warmup" -> Schedule.CONSTANT;
                    case "linear" -> Schedule.LINEAR;
                    case "cosine" -> Schedule.COSINE;
                    default -> null;
                };
        if (schedule == null || !Map.of().equals(s.get("options"))) {
            return false;
        }
        List<?> expected = (List<?>) s.get("lr");
        int warmup = "constant".equals(s.get("schedule")) ? 0 : ((Number) s.get("warmup")).intValue();
        for (int i = 0; i < expected.size(); i++) {
            double rate = GoldenCase.number(s.get("base_lr"))
                    * schedule.factor(i, warmup, ((Number) s.get("total")).intValue());
            assertEquals(GoldenCase.number(expected.get(i)), rate, 1e-8, s.get("schedule") + " step " + i);
        }
        return true;
    }
}
