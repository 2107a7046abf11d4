package dev.peft4j.core.site;

/** A layer with a weight of its own at which an adapter may act. */
public sealed interface Site permits LinearSite, ConvSite, EmbeddingSite, NormSite {
    /** As in the checkpoint, without {@code .weight}. */
    String name();
}
