package dev.peft4j.core.site;

/**
 * A place in a block of a model: where its attention takes keys and values, or behind its attention or feed-forward.
 *
 * @param name of the block in the checkpoint: {@code model.layers.0}
 * @param layer number of the block
 * @param kind which place
 * @param width columns of what is there: keyHeads · H at attention, C behind a sub-layer
 */
public record BlockSite(String name, int layer, Kind kind, int width) {
    /** The places of a block. */
    public enum Kind {
        /** Extra keys and values in front of those of each sequence. */
        KEYS_AND_VALUES,
        /** Behind the output projection of attention, in front of the residual connection. */
        AFTER_ATTENTION,
        /** Behind the feed-forward, in front of the residual connection. */
        AFTER_FEED_FORWARD
    }
}
