package dev.peft4j.models.gguf;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/** A Llama of one layer, with 2 heads of 4 and 3 tokens, to be changed by tests. */
final class TinyLlama {
    private TinyLlama() {}

    /** With all weights of this value. */
    static GgufWriter writer(float value) {
        return writer("nothing", 3, value);
    }

    /** Without the values whose keys begin with this. */
    static GgufWriter without(String key) {
        return writer(key, 3, 1);
    }

    /** With another vocabulary, whose tokens are pieces with scores. */
    static GgufWriter ofPieces(List<String> tokens) {
        return writer("tokenizer.ggml.", tokens.size(), 1)
                .text("tokenizer.ggml.model", "llama")
                .texts("tokenizer.ggml.tokens", tokens)
                .numbers("tokenizer.ggml.scores", new float[tokens.size()])
                .counts("tokenizer.ggml.token_type", Collections.nCopies(tokens.size(), 1));
    }

    /** With one more tensor. */
    static GgufWriter tensor(String name, int size) {
        return add(writer(1), name, 2, size);
    }

    private static GgufWriter add(GgufWriter writer, String name, float value, int... shape) {
        float[] values = new float[Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
        Arrays.fill(values, value);
        return writer.add(
                name,
                GgufType.F32,
                () -> values,
                Arrays.stream(shape).asLongStream().toArray());
    }

    private static GgufWriter writer(String without, int vocabulary, float value) {
        GgufWriter w = new GgufWriter();
        text(w, without, "general.type", "model");
        text(w, without, "general.architecture", "llama");
        text(w, without, "tokenizer.ggml.model", "gpt2");
        count(w, without, "llama.block_count", 1);
        count(w, without, "llama.embedding_length", 8);
        count(w, without, "llama.feed_forward_length", 6);
        count(w, without, "llama.context_length", 16);
        count(w, without, "llama.attention.head_count", 2);
        w.number("llama.attention.layer_norm_rms_epsilon", 1e-5f);
        if (!"tokenizer.ggml.tokens".startsWith(without)) {
            w.texts("tokenizer.ggml.tokens", List.of("a", "b", "ab"));
        }
        if (!"tokenizer.ggml.token_type".startsWith(without)) {
            w.counts("tokenizer.ggml.token_type", List.of(1, 1, 1));
        }
        if (!"tokenizer.ggml.merges".startsWith(without)) {
            w.texts("tokenizer.ggml.merges", List.of("a b"));
        }
        add(w, "token_embd.weight", value, vocabulary, 8);
        for (String matrix : List.of("attn_q", "attn_k", "attn_v", "attn_output")) {
            add(w, "blk.0." + matrix + ".weight", value, 8, 8);
        }
        add(w, "blk.0.attn_norm.weight", value, 8);
        add(w, "blk.0.ffn_norm.weight", value, 8);
        add(w, "blk.0.ffn_gate.weight", value, 6, 8);
        add(w, "blk.0.ffn_up.weight", value, 6, 8);
        add(w, "blk.0.ffn_down.weight", value, 8, 6);
        return add(w, "output_norm.weight", value, 8);
    }

    private static void text(GgufWriter w, String without, String key, String value) {
        if (!key.startsWith(without)) {
            w.text(key, value);
        }
    }

    private static void count(GgufWriter w, String without, String key, int value) {
        if (!key.startsWith(without)) {
            w.count(key, value);
        }
    }
}
