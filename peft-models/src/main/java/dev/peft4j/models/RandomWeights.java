package dev.peft4j.models;

import dev.peft4j.core.model.Weights;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** The tensors of a Llama that has learnt nothing yet. */
final class RandomWeights {
    private static final double DEVIATION = 0.02; // initializer_range of the family

    private final Weights weights;
    private final DType dtype;
    private final RandomGenerator random;

    private RandomWeights(Weights weights, DType dtype, long seed) {
        this.weights = weights;
        this.dtype = dtype;
        this.random = new SplittableRandom(seed);
    }

    static Weights create(ModelConfig config, DType dtype, long seed) throws IOException {
        RandomWeights r = new RandomWeights(Weights.empty(config.directory(), dtype), dtype, seed);
        int width = config.size("hidden_size");
        int inner = config.size("intermediate_size");
        int heads = config.size("num_attention_heads");
        int headSize = config.size("head_dim", width / heads);
        int keyWidth = config.size("num_key_value_heads", heads) * headSize;
        r.matrix("model.embed_tokens.weight", config.size("vocab_size"), width);
        for (int l = 0; l < config.size("num_hidden_layers"); l++) {
            String h = "model.layers." + l + ".";
            r.ones(h + "input_layernorm.weight", width);
            r.matrix(h + "self_attn.q_proj.weight", heads * headSize, width);
            r.matrix(h + "self_attn.k_proj.weight", keyWidth, width);
            r.matrix(h + "self_attn.v_proj.weight", keyWidth, width);
            r.matrix(h + "self_attn.o_proj.weight", width, heads * headSize);
            r.ones(h + "post_attention_layernorm.weight", width);
            r.matrix(h + "mlp.gate_proj.weight", inner, width);
            r.matrix(h + "mlp.up_proj.weight", inner, width);
            r.matrix(h + "mlp.down_proj.weight", width, inner);
        }
        r.ones("model.norm.weight", width);
        if (!config.flag("tie_word_embeddings", false)) {
            r.matrix("lm_head.weight", config.size("vocab_size"), width);
        }
        return r.weights;
    }

    private void matrix(String name, int rows, int cols) {
        Tensor t = weights.put(name, Tensor.allocate(dtype, rows, cols), false, rows, cols);
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < cols; c++) {
                t.set(r, c, random.nextGaussian(0, DEVIATION));
            }
        }
    }

    private void ones(String name, int n) {
        weights.put(name, Tensor.allocate(dtype, 1, n), false, n).fill(1);
    }
}
