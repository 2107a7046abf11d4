package dev.peft4j.core.data;

/** One record as a model reads it: a sequence of tokens, two that belong together, one that is rated, one that changes from epoch to epoch, an image, or features. */
public sealed interface Example
        permits PackedBatch.Sequence,
                PackedBatch.Pair,
                PackedBatch.Choice,
                RatedAnswer,
                VariedSequence,
                ImageBatch.Image,
                VariedImage,
                FeatureBatch.Features {
    /** How much there is to compute: tokens of a sequence; 1 for an image, as all have one size. */
    int length();

    /** What is to be predicted of it. */
    Targets targets();

    /**
     * The record as an epoch of training reads it: itself, unless chance has a part in it.
     *
     * @param seed of this record in this epoch, which says what chance does
     */
    default Example inEpoch(long seed) {
        return this;
    }
}
