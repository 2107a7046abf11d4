package dev.peft4j.core.site;

/**
 * A linear layer at which an adapter may act.
 *
 * @param name as in the checkpoint, without {@code .weight}: {@code model.layers.0.self_attn.q_proj}
 * @param in input features I
 * @param out output features O
 * @param head whether it is the output layer of the model (language model head or classifier), which {@code all-linear} leaves out
 */
public record LinearSite(String name, int in, int out, boolean head) implements Site {}
