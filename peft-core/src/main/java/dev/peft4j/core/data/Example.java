package dev.peft4j.core.data;

/** One record as a model reads it: a sequence of tokens, two that belong together, or an image. */
public sealed interface Example permits PackedBatch.Sequence, PackedBatch.Pair, PackedBatch.Choice, ImageBatch.Image {
    /** How much there is to compute: tokens of a sequence; 1 for an image, as all have one size. */
    int length();

    /** What is to be predicted of it. */
    Targets targets();
}
