package dev.peft4j.core.site;

/**
 * A table of token vectors at which an adapter may act.
 *
 * @param name as in the checkpoint, without {@code .weight}: {@code model.embed_tokens}
 * @param entries number of rows V
 * @param width columns C
 * @param padding the row of the token that fills sequences up, which gets no gradient, as in PyTorch ({@code padding_idx}); -1 for none
 */
public record EmbeddingSite(String name, int entries, int width, int padding) implements Site {
    /** A table all of whose rows get gradients. */
    public EmbeddingSite(String name, int entries, int width) {
        this(name, entries, width, -1);
    }
}
