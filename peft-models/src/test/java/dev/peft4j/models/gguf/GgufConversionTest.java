package dev.peft4j.models.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.format.SafetensorsFile;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.models.Models;
import dev.peft4j.models.TextTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GgufConversionTest {
    @TempDir
    private Path temporary;

    @ParameterizedTest
    @ValueSource(strings = {"smollm", "gpt-2", "llama-bpe", "qwen2", "default", "pieces"})
    void weights_and_ids_are_those_of_python(String kind) throws IOException {
        GgufConversion.toDirectory(Gguf.file("llama-" + kind + ".gguf"), temporary);
        Map<String, Object> expected = Json.read(Gguf.file("llama-" + kind + ".json"));
        Map<?, ?> tensors = (Map<?, ?>) expected.get("tensors");
        try (SafetensorsFile file = SafetensorsFile.open(temporary.resolve("model.safetensors"))) {
            assertEquals(tensors.keySet(), Map.copyOf(file.tensors()).keySet());
            for (Map.Entry<?, ?> e : tensors.entrySet()) {
                String name = (String) e.getKey();
                Map<?, ?> tensor = (Map<?, ?>) e.getValue();
                String type = (String) tensor.get("type");
                assertEquals(type.startsWith("Q") ? "F32" : type, type(file, name), name);
                assertEquals(
                        tensor.get("shape").toString(),
                        Objects.requireNonNull(file.tensors().get(name)).shape().toString(),
                        name);
                try (Tensor t = file.load(name, DType.F32)) {
                    assertEquals(tensor.get("sha256"), Gguf.sha256(t.toFloats()), name);
                }
            }
        }
        int size = (Integer) Json.read(temporary.resolve("config.json")).get("vocab_size");
        List<?> texts = (List<?>) expected.get("texts");
        try (TextTokenizer tokenizer = TextTokenizer.open(temporary, size)) {
            for (int i = 0; i < texts.size(); i++) {
                int[] ids = tokenizer.encode((String) texts.get(i), true);
                assertEquals(
                        ((List<?>) expected.get("ids")).get(i).toString(),
                        List.of(box(ids)).toString());
            }
            String text = "the small fox in 1998, they've 12 lamps";
            assertEquals(text, tokenizer.decode(tokenizer.encode(text, true)));
        }
        try (Model model = Models.load(temporary, Backend.host(), 0, 0)) { // takes every tensor
            assertEquals("model.embed_tokens", model.embeddingSites().get(0).name());
        }
    }

    private static String type(SafetensorsFile file, String tensor) {
        return Objects.requireNonNull(file.tensors().get(tensor)).dtype();
    }

    private static Integer[] box(int[] ids) {
        return Arrays.stream(ids).boxed().toArray(Integer[]::new);
    }

    @Test
    void the_config_says_what_the_file_says() throws IOException {
        GgufConversion.toDirectory(Gguf.file("llama-llama-bpe.gguf"), temporary);
        Map<String, Object> config = Json.read(temporary.resolve("config.json"));
        assertEquals(1e-5, config.get("rms_norm_eps"));
        assertEquals(500000.0, config.get("rope_theta"));
        assertEquals(16, config.get("head_dim"));
        assertEquals(1, config.get("num_key_value_heads"));
        assertEquals(true, config.get("tie_word_embeddings"));
        assertEquals("bfloat16", config.get("torch_dtype"));
        assertEquals(List.of(1, 2), config.get("eos_token_id"));
        assertEquals(
                Map.of(
                        "rope_type",
                        "llama3",
                        "factor",
                        32.0,
                        "low_freq_factor",
                        1.0,
                        "high_freq_factor",
                        4.0,
                        "original_max_position_embeddings",
                        8192),
                config.get("rope_scaling"));
        Map<String, Object> settings = Json.read(temporary.resolve("tokenizer_config.json"));
        assertEquals("{{ messages }}", settings.get("chat_template"));
        assertEquals("</s>", settings.get("eos_token"));
        GgufConversion.toDirectory(Gguf.file("llama-gpt-2.gguf"), temporary);
        config = Json.read(temporary.resolve("config.json"));
        assertEquals(false, config.get("tie_word_embeddings"));
        assertEquals("float16", config.get("torch_dtype"));
        assertTrue(config.containsKey("rope_scaling") && config.get("rope_scaling") == null);
    }

    @Test
    void all_tensors_can_have_one_format() throws IOException {
        GgufConversion.toDirectory(Gguf.file("llama-qwen2.gguf"), temporary, GgufType.F16);
        try (GgufFile from = GgufFile.open(Gguf.file("llama-qwen2.gguf"));
                SafetensorsFile file = SafetensorsFile.open(temporary.resolve("model.safetensors"));
                Tensor t = file.load("model.norm.weight", DType.F32)) {
            assertEquals("F16", type(file, "model.norm.weight"));
            float[] values = from.rows("output_norm.weight", 0, 1);
            for (int i = 0; i < values.length; i++) {
                values[i] = SixteenBits.half(SixteenBits.toHalf(values[i]));
            }
            assertArrayEquals(values, t.toFloats());
        }
        assertThrows(
                BadInputException.class,
                () -> GgufConversion.toDirectory(Gguf.file("llama-qwen2.gguf"), temporary, GgufType.Q8_0));
    }

    @Test
    void what_is_beyond_the_format_leaves_nothing_behind() throws IOException {
        Path file = temporary.resolve("model.gguf");
        TinyLlama.writer(1e6f).write(file);
        Path out = temporary.resolve("out");
        BadInputException e =
                assertThrows(BadInputException.class, () -> GgufConversion.toDirectory(file, out, GgufType.F16));
        assertTrue(e.getMessage().contains("1000000.0"), e.getMessage());
        try (Stream<Path> left = Files.list(out)) {
            assertEquals(List.of(), left.toList());
        }
        GgufConversion.toDirectory(file, out, GgufType.BF16);
        assertTrue(Files.exists(out.resolve("model.safetensors")));
    }

    private String refusal(GgufWriter writer) throws IOException {
        Path file = temporary.resolve("refused.gguf");
        writer.write(file);
        Path out = temporary.resolve("never");
        String message = assertThrows(BadFileException.class, () -> GgufConversion.toDirectory(file, out))
                .getMessage();
        assertFalse(Files.exists(out), message);
        return message;
    }

    private static void assertContains(String part, String text) {
        assertTrue(text.contains(part), text);
    }

    @Test
    void what_is_no_plain_llama_is_refused() throws IOException {
        TinyLlama.writer(1).write(temporary.resolve("good.gguf"));
        GgufConversion.toDirectory(temporary.resolve("good.gguf"), temporary.resolve("good"));
        assertContains("\"adapter\"", refusal(TinyLlama.without("general.type").text("general.type", "adapter")));
        assertContains(
                "\"mamba\"", refusal(TinyLlama.without("general.architecture").text("general.architecture", "mamba")));
        assertContains("experts", refusal(TinyLlama.writer(1).count("llama.expert_count", 8)));
        assertContains("block_count is missing", refusal(TinyLlama.without("llama.block_count")));
        assertContains("blk.1", refusal(TinyLlama.without("llama.block_count").count("llama.block_count", 2)));
        assertContains(
                "16777215", refusal(TinyLlama.without("llama.block_count").count("llama.block_count", 16777215)));
        assertContains("heads of", refusal(TinyLlama.writer(1).count("llama.attention.key_length", 3)));
        assertContains("rotated", refusal(TinyLlama.writer(1).count("llama.rope.dimension_count", 2)));
        assertContains("yarn", refusal(TinyLlama.writer(1).text("llama.rope.scaling.type", "yarn")));
        assertContains("Llama 3", refusal(TinyLlama.tensor("rope_freqs.weight", 2)));
        assertContains("rope_freqs", refusal(TinyLlama.tensor("rope_freqs.weight", 3)));
        assertContains("blk.0.attn_q.bias", refusal(TinyLlama.tensor("blk.0.attn_q.bias", 8)));
    }

    @Test
    void other_tokenizers_are_refused_by_name() throws IOException {
        assertContains("ggml.model is missing", refusal(TinyLlama.without("tokenizer.ggml.model")));
        assertContains(
                "\"bert\"", refusal(TinyLlama.without("tokenizer.ggml.model").text("tokenizer.ggml.model", "bert")));
        assertContains("\"tekken\"", refusal(TinyLlama.writer(1).text("tokenizer.ggml.pre", "tekken")));
        assertContains(
                "twice",
                refusal(TinyLlama.without("tokenizer.ggml.tokens")
                        .texts("tokenizer.ggml.tokens", List.of("a", "a", "b"))));
        assertContains(
                "for a model with 3",
                refusal(TinyLlama.without("tokenizer.ggml.tokens")
                        .texts("tokenizer.ggml.tokens", List.of("a", "b", "c", "d"))));
        assertContains("merges is missing", refusal(TinyLlama.without("tokenizer.ggml.merges")));
        assertContains("bos_token_id", refusal(TinyLlama.writer(1).count("tokenizer.ggml.bos_token_id", 3)));
        assertContains(
                "bos_token_id is missing", refusal(TinyLlama.writer(1).flag("tokenizer.ggml.add_bos_token", true)));
        assertContains(
                "scores", refusal(TinyLlama.without("tokenizer.ggml.model").text("tokenizer.ggml.model", "llama")));
    }

    @Test
    void merges_are_bounded_where_tokens_are_made_of_each_other_in_all_ways() throws IOException {
        List<String> tokens = new ArrayList<>();
        for (int family = 0; family < 64; family++) {
            for (int n = 1; n <= 200; n++) {
                tokens.add(Character.toString(0x4e00 + family).repeat(n));
            }
        }
        Path file = temporary.resolve("many.gguf");
        TinyLlama.ofPieces(tokens).write(file);
        String message = assertThrows(BadFileException.class, () -> GgufConversion.toDirectory(file, temporary))
                .getMessage();
        assertTrue(message.contains("in so many ways"), message);
    }

    @Test
    void a_linear_scaling_is_kept() throws IOException {
        Path file = temporary.resolve("linear.gguf");
        TinyLlama.writer(1)
                .text("llama.rope.scaling.type", "linear")
                .number("llama.rope.scaling.factor", 4)
                .write(file);
        GgufConversion.toDirectory(file, temporary);
        assertEquals(
                Map.of("rope_type", "linear", "factor", 4.0),
                Json.read(temporary.resolve("config.json")).get("rope_scaling"));
    }
}
