package dev.peft4j.models.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.format.SafetensorsWriter;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufAdapterTest {
    private static final String LAYER = "model.layers.0.self_attn.";

    @TempDir
    private Path temporary;

    private final List<Tensor> open = new ArrayList<>();
    private final SafetensorsWriter tensors = new SafetensorsWriter();
    private final Map<String, Object> config =
            new LinkedHashMap<>(Map.of("peft_type", "LORA", "r", 2, "lora_alpha", 3));

    @BeforeEach
    void base() throws IOException {
        base("llama");
    }

    @AfterEach
    void close() {
        open.forEach(Tensor::close);
    }

    private void base(String type) throws IOException {
        Map<String, Object> base = Map.of(
                "model_type",
                type,
                "num_attention_heads",
                2,
                "num_key_value_heads",
                1,
                "hidden_size",
                8,
                "head_dim",
                4);
        Files.writeString(temporary.resolve("config.json"), Json.print(base));
    }

    private void tensor(String name, int... shape) {
        int n = 1;
        for (int d : shape) {
            n *= d;
        }
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = i + 1;
        }
        Tensor t = Tensor.of(DType.F32, shape[0], n / shape[0], values);
        open.add(t);
        tensors.add("base_model.model." + name, t, shape);
    }

    /** A pair of (rank, 8) and (out, rank), whose numbers are 1, 2, 3 and so on. */
    private void pair(String layer, int rank, int out) {
        tensor(layer + ".lora_A.weight", rank, 8);
        tensor(layer + ".lora_B.weight", out, rank);
    }

    private Path write(GgufType type) throws IOException {
        Path adapter = Files.createDirectories(temporary.resolve("adapter"));
        Files.writeString(adapter.resolve("adapter_config.json"), Json.print(config));
        tensors.write(adapter.resolve("adapter_model.safetensors"));
        Path out = temporary.resolve("adapter.gguf");
        GgufAdapter.write(out, adapter, temporary, type);
        return out;
    }

    private String refusal() {
        return assertThrows(BadFileException.class, () -> write(GgufType.F32)).getMessage();
    }

    private void assertRefused(String part) {
        String message = refusal();
        assertTrue(message.contains(part), message);
        assertFalse(Files.exists(temporary.resolve("adapter.gguf")));
    }

    @Test
    void names_and_shapes_are_those_of_llama_cpp() throws IOException {
        pair(LAYER + "v_proj", 2, 4);
        pair("model.layers.11.mlp.down_proj", 2, 8);
        try (GgufFile file = GgufFile.open(write(GgufType.F32))) {
            assertEquals("llama", file.metadata().get("general.architecture"));
            assertEquals("adapter", file.metadata().get("general.type"));
            assertEquals("lora", file.metadata().get("adapter.type"));
            assertEquals(3f, file.metadata().get("adapter.lora.alpha"));
            assertEquals("adapter", file.metadata().get("general.name"));
            assertEquals(
                    Set.of(
                            "blk.0.attn_v.weight.lora_a",
                            "blk.0.attn_v.weight.lora_b",
                            "blk.11.ffn_down.weight.lora_a",
                            "blk.11.ffn_down.weight.lora_b"),
                    file.tensors().keySet());
            assertEquals(
                    List.of(2L, 8L),
                    file.tensors().get("blk.0.attn_v.weight.lora_a").shape());
            assertEquals(
                    List.of(4L, 2L),
                    file.tensors().get("blk.0.attn_v.weight.lora_b").shape());
            assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6, 7, 8}, file.rows("blk.0.attn_v.weight.lora_b", 0, 4));
        }
    }

    @Test
    void rows_of_queries_and_keys_lie_in_pairs() throws IOException {
        pair(LAYER + "q_proj", 1, 8);
        pair(LAYER + "k_proj", 1, 4);
        pair(LAYER + "o_proj", 1, 8);
        try (GgufFile file = GgufFile.open(write(GgufType.F16))) {
            assertEquals(
                    GgufType.F16,
                    file.tensors().get("blk.0.attn_q.weight.lora_b").type());
            assertArrayEquals(new float[] {1, 3, 2, 4, 5, 7, 6, 8}, file.rows("blk.0.attn_q.weight.lora_b", 0, 8));
            assertArrayEquals(new float[] {1, 3, 2, 4}, file.rows("blk.0.attn_k.weight.lora_b", 0, 4));
            assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6, 7, 8}, file.rows("blk.0.attn_output.weight.lora_b", 0, 8));
            assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6, 7, 8}, file.rows("blk.0.attn_q.weight.lora_a", 0, 1));
        }
    }

    @Test
    void other_families_keep_their_rows() throws IOException {
        base("qwen2");
        pair(LAYER + "q_proj", 1, 8);
        try (GgufFile file = GgufFile.open(write(GgufType.F32))) {
            assertEquals("qwen2", file.metadata().get("general.architecture"));
            assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6, 7, 8}, file.rows("blk.0.attn_q.weight.lora_b", 0, 8));
        }
    }

    @Test
    void fused_layers_have_their_own_names() throws IOException {
        base("phi3");
        pair(LAYER + "qkv_proj", 1, 16);
        pair("model.layers.0.mlp.gate_up_proj", 1, 12);
        try (GgufFile file = GgufFile.open(write(GgufType.F32))) {
            assertEquals(
                    Set.of(
                            "blk.0.attn_qkv.weight.lora_a",
                            "blk.0.attn_qkv.weight.lora_b",
                            "blk.0.ffn_up.weight.lora_a",
                            "blk.0.ffn_up.weight.lora_b"),
                    file.tensors().keySet());
        }
    }

    @Test
    void every_layer_has_the_scaling_of_peft() throws IOException {
        config.put("alpha_pattern", Map.of("v_proj", 6));
        pair(LAYER + "o_proj", 2, 8); // 3 / 2
        pair(LAYER + "v_proj", 4, 4); // 6 / 4
        try (GgufFile file = GgufFile.open(write(GgufType.F32))) {
            assertEquals(3f, file.metadata().get("adapter.lora.alpha"));
            assertEquals(1, file.rows("blk.0.attn_output.weight.lora_b", 0, 1)[0]);
            assertEquals(2, file.rows("blk.0.attn_v.weight.lora_b", 0, 1)[0]); // 3 / 4 · 2
        }
    }

    @Test
    void rank_stabilised_scalings_are_kept() throws IOException {
        config.put("use_rslora", true);
        pair(LAYER + "o_proj", 4, 8); // 3 / √4
        pair(LAYER + "v_proj", 1, 4); // 3 / √1
        try (GgufFile file = GgufFile.open(write(GgufType.F32))) {
            assertEquals(6f, file.metadata().get("adapter.lora.alpha")); // 6 / 4
            assertEquals(1, file.rows("blk.0.attn_output.weight.lora_b", 0, 1)[0]);
            assertEquals(0.5f, file.rows("blk.0.attn_v.weight.lora_b", 0, 1)[0]); // 6 / 1 · 0.5
        }
    }

    @Test
    void a_head_of_its_own_is_adapted() throws IOException {
        pair("lm_head", 1, 8);
        try (GgufFile file = GgufFile.open(write(GgufType.F32))) {
            assertEquals(
                    Set.of("output.weight.lora_a", "output.weight.lora_b"),
                    file.tensors().keySet());
        }
        base("gemma2"); // ties it unless it says something else
        Files.delete(temporary.resolve("adapter.gguf"));
        assertRefused("shares its weight with the embedding");
    }

    @Test
    void what_llama_cpp_cannot_do_is_refused() {
        pair(LAYER + "v_proj", 2, 4);
        for (Map.Entry<String, Object> e : Map.<String, Object>of(
                        "use_dora",
                        true,
                        "modules_to_save",
                        List.of("lm_head"),
                        "bias",
                        "all",
                        "lora_bias",
                        true,
                        "trainable_token_indices",
                        List.of(1),
                        "alora_invocation_tokens",
                        List.of(1),
                        "target_parameters",
                        List.of("x"),
                        "init_lora_weights",
                        "pissa_niter_4",
                        "peft_type",
                        "LOHA")
                .entrySet()) {
            Object before = config.put(e.getKey(), e.getValue());
            assertRefused("\"" + e.getKey() + "\"");
            config.remove(e.getKey());
            if (before != null) {
                config.put(e.getKey(), before);
            }
        }
        config.put("lora_alpha", 0);
        assertRefused("\"lora_alpha\" is 0");
        config.put("lora_alpha", "x");
        assertRefused("\"lora_alpha\" is");
    }

    @Test
    void tensors_that_are_no_pairs_of_linear_layers_are_refused() {
        pair(LAYER + "v_proj", 2, 4);
        tensor("model.embed_tokens.lora_embedding_A", 2, 8);
        assertRefused("of an embedding");
    }

    @Test
    void a_half_pair_is_refused() {
        tensor(LAYER + "v_proj.lora_B.weight", 4, 2);
        assertRefused("without its other half");
    }

    @Test
    void layers_that_the_base_does_not_have_are_refused() {
        pair(LAYER + "qkv_proj", 2, 4);
        assertRefused("self_attn.qkv_proj\" has a pair");
    }

    @Test
    void layers_of_another_base_are_refused() {
        pair(LAYER + "q_proj", 2, 16);
        assertRefused("asks for 8: 2 heads of 4 rows");
    }

    @Test
    void an_unknown_family_is_refused() throws IOException {
        pair(LAYER + "q_proj", 2, 8);
        base("gpt2");
        assertRefused("\"gpt2\" are not known here");
    }

    @Test
    void numbers_beyond_the_format_are_refused() {
        config.put("alpha_pattern", Map.of("v_proj", 3e6));
        pair(LAYER + "o_proj", 2, 8);
        pair(LAYER + "v_proj", 2, 4);
        assertThrows(BadInputException.class, () -> write(GgufType.F16));
        assertThrows(BadInputException.class, () -> write(GgufType.Q8_0));
        assertFalse(Files.exists(temporary.resolve("adapter.gguf")));
        assertFalse(Files.exists(temporary.resolve(".adapter.gguf.tmp")));
    }
}
