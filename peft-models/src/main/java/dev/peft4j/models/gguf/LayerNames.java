package dev.peft4j.models.gguf;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What llama.cpp calls a family of models, and the linear layers of its blocks.
 *
 * <p>Source: {@code MODEL_TENSORS} and {@code TensorNameMap} of its gguf-py, and the classes of its {@code convert_hf_to_gguf.py}.
 *
 * @param architecture the value of {@code general.architecture}
 * @param pairsRows whether rows of queries and keys lie in pairs ({@link HeadRows})
 * @param layers names in llama.cpp, without {@code blk.N.} and {@code .weight}, by those in Hugging Face
 */
record LayerNames(String architecture, boolean pairsRows, Map<String, String> layers) {
    /** Of Llama and all that are built as it is. */
    static final Map<String, String> LLAMA =
            names("self_attn.q_proj attn_q self_attn.k_proj attn_k self_attn.v_proj attn_v self_attn.o_proj attn_output"
                    + " mlp.gate_proj ffn_gate mlp.up_proj ffn_up mlp.down_proj ffn_down");

    private static final Map<String, String> FUSED = names("self_attn.qkv_proj attn_qkv self_attn.o_proj attn_output"
            + " mlp.gate_up_proj ffn_up mlp.down_proj ffn_down");

    private static final Map<String, LayerNames> FAMILIES = Map.of(
            "llama", new LayerNames("llama", true, LLAMA),
            "mistral", new LayerNames("llama", true, LLAMA), // llama.cpp has one for both
            "smollm3", new LayerNames("smollm3", true, LLAMA),
            "qwen2", new LayerNames("qwen2", false, LLAMA),
            "qwen3", new LayerNames("qwen3", false, LLAMA),
            "gemma2", new LayerNames("gemma2", false, LLAMA),
            "gemma3_text", new LayerNames("gemma3", false, LLAMA),
            "phi3", new LayerNames("phi3", false, FUSED));

    private static Map<String, String> names(String text) {
        String[] words = text.split(" ", -1);
        Map<String, String> out = new LinkedHashMap<>();
        for (int i = 0; i < words.length; i += 2) {
            out.put(words[i], words[i + 1]);
        }
        return Collections.unmodifiableMap(out);
    }

    /** The names of a family by its {@code model_type}, or null if llama.cpp's are not known here. */
    static @Nullable LayerNames of(String modelType) {
        return FAMILIES.get(modelType);
    }

    /** The values of {@code model_type} that are known. */
    static Set<String> families() {
        return new TreeSet<>(FAMILIES.keySet());
    }
}
