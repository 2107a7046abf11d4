package dev.peft4j.models.gguf;

import dev.peft4j.core.error.BadFileException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A model of the Llama architecture in a GGUF file: its dimensions, its tensors under Hugging Face's names, and its {@code config.json}. Every tensor that it
 * needs has to be there with its dimensions, and no other.
 */
final class LlamaBase {
    private static final String HEAD = "output.weight";
    private static final long MOST_OF_HEAD = 1 << 28; // numbers
    private static final List<String> NO_EXPERTS = List.of("llama.expert_count", "llama.expert_used_count");

    private final GgufFile file;
    private final GgufFields fields;
    private final long layers;
    private final long hidden;
    private final long inner;
    private final long heads;
    private final long keyHeads;
    private final long head; // rows of one
    private final long vocabulary;
    private final List<Move> moves = new ArrayList<>();

    /**
     * Where a tensor goes.
     *
     * @param tensor in this file
     * @param name in Hugging Face's files
     * @param pairedHead rows of a head where they lie in pairs; 0 where the order is the same
     */
    record Move(GgufTensor tensor, String name, int pairedHead) {}

    /**
     * A tensor that a Llama has.
     *
     * @param shape (O, I) of a matrix, or that of a vector
     */
    private record Wanted(String name, List<Long> shape, int pairedHead) {}

    /**
     * Reads the dimensions of a file and finds its tensors.
     *
     * @throws BadFileException if it is another model, or something is missing or too much
     */
    LlamaBase(GgufFile file) throws BadFileException {
        this.file = file;
        this.fields = new GgufFields(file.path(), file.metadata());
        requireLlama();
        layers = fields.size("llama.block_count");
        hidden = fields.size("llama.embedding_length");
        inner = fields.size("llama.feed_forward_length");
        heads = fields.size("llama.attention.head_count");
        keyHeads = fields.size("llama.attention.head_count_kv", heads);
        head = fields.size("llama.attention.key_length", Math.max(1, hidden / heads));
        requireHeads();
        GgufTensor table = file.tensors().get("token_embd.weight");
        vocabulary = table == null ? fields.size("llama.vocab_size") : table.rows();
        if (layers > file.tensors().size() || vocabulary > Integer.MAX_VALUE) {
            throw fields.bad("llama.block_count is " + layers + ", the vocabulary " + vocabulary + ", and the file has "
                    + file.tensors().size() + " tensors. It is damaged; get it again.");
        }
        findTensors();
    }

    private void requireLlama() throws BadFileException {
        String type = fields.text("general.type", "model");
        String architecture = fields.text("general.architecture");
        if (!type.equals("model") || !architecture.equals("llama")) {
            throw fields.bad("a model of the architecture llama was expected, found a " + GgufHeader.shown(type)
                    + " of " + GgufHeader.shown(architecture)
                    + ". Use the model's Hugging Face directory, or a file of a Llama.");
        }
        for (String key : NO_EXPERTS) {
            Object count = file.metadata().getOrDefault(key, 0L);
            if (!count.equals(0L)) {
                throw fields.bad(key + " is " + GgufHeader.shown(count)
                        + ", and mixtures of experts are not supported. Use a model without them.");
            }
        }
    }

    private void requireHeads() throws BadFileException {
        long values = fields.size("llama.attention.value_length", head);
        long rotated = fields.size("llama.rope.dimension_count", head);
        if (values != head || rotated != head || head % 2 != 0 || heads % keyHeads != 0) {
            throw fields.bad(
                    "there are " + heads + " heads of " + head + " for " + keyHeads + " of keys, with values of "
                            + values + ", of which " + rotated
                            + " are rotated; a Llama has heads of one even size, all of it rotated, and an equal number for each of keys."
                            + " Use the model's Hugging Face directory.");
        }
        if (head * hidden > MOST_OF_HEAD) {
            throw fields.bad("a head has " + head + " rows of " + hidden + " numbers, and at most " + MOST_OF_HEAD
                    + " numbers are read at once. Use another file.");
        }
    }

    private void findTensors() throws BadFileException {
        Map<String, Wanted> wanted = new LinkedHashMap<>();
        wanted.put("token_embd.weight", new Wanted("model.embed_tokens.weight", List.of(vocabulary, hidden), 0));
        for (int i = 0; i < layers; i++) {
            String from = "blk." + i + ".";
            String to = "model.layers." + i + ".";
            wanted.put(from + "attn_norm.weight", new Wanted(to + "input_layernorm.weight", List.of(hidden), 0));
            LayerNames.LLAMA.forEach(
                    (hugging, llama) -> wanted.put(from + llama + ".weight", wanted(to + hugging + ".weight", llama)));
            wanted.put(
                    from + "ffn_norm.weight", new Wanted(to + "post_attention_layernorm.weight", List.of(hidden), 0));
        }
        wanted.put("output_norm.weight", new Wanted("model.norm.weight", List.of(hidden), 0));
        if (!isTied()) {
            wanted.put(HEAD, new Wanted("lm_head.weight", List.of(vocabulary, hidden), 0));
        }
        for (Map.Entry<String, Wanted> e : wanted.entrySet()) {
            GgufTensor found = file.tensors().get(e.getKey());
            if (found == null || !found.shape().equals(e.getValue().shape())) {
                throw fields.bad("tensor " + e.getKey() + " of " + e.getValue().shape() + " was expected by the values"
                        + " of the file, found " + (found == null ? "none" : found.shape())
                        + ". The file is damaged, or no plain Llama.");
            }
            moves.add(new Move(found, e.getValue().name(), e.getValue().pairedHead()));
        }
        Set<String> others = new LinkedHashSet<>(file.tensors().keySet());
        others.removeAll(wanted.keySet());
        others.remove(RopeFactors.TENSOR);
        if (!others.isEmpty()) {
            throw fields.bad("tensor " + others.iterator().next() + " and " + (others.size() - 1)
                    + " others have no place in a Llama as it is read here. Use the model's Hugging Face directory.");
        }
    }

    private Wanted wanted(String name, String layer) {
        long queries = heads * head;
        long keys = keyHeads * head;
        return switch (layer) {
            case "attn_q" -> new Wanted(name, List.of(queries, hidden), (int) head);
            case "attn_k" -> new Wanted(name, List.of(keys, hidden), (int) head);
            case "attn_v" -> new Wanted(name, List.of(keys, hidden), 0);
            case "attn_output" -> new Wanted(name, List.of(hidden, queries), 0);
            case "ffn_down" -> new Wanted(name, List.of(hidden, inner), 0);
            default -> new Wanted(name, List.of(inner, hidden), 0);
        };
    }

    private boolean isTied() {
        return !file.tensors().containsKey(HEAD);
    }

    GgufFields fields() {
        return fields;
    }

    int vocabulary() {
        return (int) vocabulary;
    }

    /** Greatest length of a text, in tokens. */
    long context() throws BadFileException {
        return fields.size("llama.context_length");
    }

    /** Where the tensors go. */
    List<Move> moves() {
        return moves;
    }

    /**
     * The fields of {@code config.json}.
     *
     * @param dtype of the weights, as PyTorch calls it
     */
    Map<String, Object> config(String dtype) throws IOException {
        double theta = fields.number("llama.rope.freq_base", 10000);
        Map<String, Object> config = new LinkedHashMap<>();
        config.put("architectures", List.of("LlamaForCausalLM"));
        config.put("model_type", "llama");
        config.put("attention_bias", false);
        config.put("mlp_bias", false);
        config.put("hidden_act", "silu");
        config.put("hidden_size", hidden);
        config.put("intermediate_size", inner);
        config.put("max_position_embeddings", context());
        config.put("num_attention_heads", heads);
        config.put("num_hidden_layers", layers);
        config.put("num_key_value_heads", keyHeads);
        config.put("head_dim", head);
        config.put("rms_norm_eps", fields.number("llama.attention.layer_norm_rms_epsilon"));
        config.put("rope_theta", theta);
        config.put("rope_scaling", RopeFactors.scaling(fields, theta, (int) head, factors()));
        config.put("tie_word_embeddings", isTied());
        config.put("torch_dtype", dtype);
        config.put("vocab_size", vocabulary);
        config.putAll(tokens());
        return config;
    }

    private float[] factors() throws IOException {
        GgufTensor tensor = file.tensors().get(RopeFactors.TENSOR);
        if (tensor == null) {
            return new float[0];
        }
        if (!tensor.shape().equals(List.of(head / 2))) {
            throw fields.bad("tensor " + RopeFactors.TENSOR + " is " + tensor.shape() + " where " + head / 2
                    + " numbers were expected, one for each pair of a head. The file is damaged.");
        }
        return file.rows(RopeFactors.TENSOR, 0, 1);
    }

    /** The ids of the tokens that begin, end and fill texts. */
    Map<String, Object> tokens() throws BadFileException {
        Map<String, Object> out = new LinkedHashMap<>();
        put(out, "bos_token_id", fields.token("tokenizer.ggml.bos_token_id", vocabulary()));
        Integer end = fields.token("tokenizer.ggml.eos_token_id", vocabulary());
        Integer turn = fields.token("tokenizer.ggml.eot_token_id", vocabulary());
        List<Integer> ends = new ArrayList<>();
        if (end != null) {
            ends.add(end);
        }
        if (turn != null && !turn.equals(end)) {
            ends.add(turn);
        }
        put(out, "eos_token_id", ends.size() > 1 ? ends : ends.isEmpty() ? null : ends.get(0));
        put(out, "pad_token_id", fields.token("tokenizer.ggml.padding_token_id", vocabulary()));
        return out;
    }

    private static void put(Map<String, Object> to, String key, @Nullable Object value) {
        if (value != null) {
            to.put(key, value);
        }
    }
}
