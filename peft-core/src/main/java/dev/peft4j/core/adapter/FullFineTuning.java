package dev.peft4j.core.adapter;

import dev.peft4j.core.site.ModelSites;

/** Trains every base tensor in place: the {@link BaseTuning} of all of them. */
public final class FullFineTuning extends BaseTuning {
    /** Takes all tensors of a model; running statistics of norms stay as they are. */
    public FullFineTuning(ModelSites model) {
        this(model, false);
    }

    /** The same, where norms of channels take the statistics of the batch, and running ones move with them. */
    public static FullFineTuning withBatchStatistics(ModelSites model) {
        return new FullFineTuning(model, true);
    }

    private FullFineTuning(ModelSites model, boolean batchStatistics) {
        super(model, model.tensorNames(), true, batchStatistics);
    }
}
