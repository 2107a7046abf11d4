package dev.peft4j.core.site;

/**
 * A norm whose weight, and bias if it has one, an adapter may train a copy of.
 *
 * @param name as in the checkpoint, without {@code .weight}: {@code model.layers.0.input_layernorm}
 * @param width number of columns that it scales
 */
public record NormSite(String name, int width) implements Site {}
