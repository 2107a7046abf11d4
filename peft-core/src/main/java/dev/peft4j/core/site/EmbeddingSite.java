package dev.peft4j.core.site;

/**
 * A table of token vectors at which an adapter may act.
 *
 * @param name as in the checkpoint, without {@code .weight}: {@code model.embed_tokens}
 * @param entries number of rows V
 * @param width columns C
 */
public record EmbeddingSite(String name, int entries, int width) implements Site {}
