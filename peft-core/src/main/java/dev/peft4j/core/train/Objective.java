package dev.peft4j.core.train;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Measure;
import dev.peft4j.core.model.Loss;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import java.util.List;

/**
 * What training makes small. That of most runs is the loss of the model's head; one of pairs of answers looks at whole sequences, and at what the model says without
 * the adapters that are trained.
 */
public interface Objective {
    /** Says which it is, for a run that goes on. */
    String name();

    /** Whether it asks the model without the adapters that are trained, which therefore must not be the weights themselves. */
    default boolean needsReference() {
        return false;
    }

    /** How many examples a batch needs: more than 1 if it compares those of a batch with each other. */
    default int leastBatch() {
        return 1;
    }

    /**
     * How many losses a batch has.
     *
     * @throws dev.peft4j.core.error.BadInputException if its targets are of a kind that it has no use for
     */
    int scored(Model model, Batch batch, List<Adapter> adapters);

    /** What is told of an evaluation beside the loss. */
    Measure measure(Model model);

    /**
     * Looks at a batch before the pass that is derived.
     *
     * @param adapters all that are active in the pass
     * @param reference those of them that are not trained
     * @param arena for a pass of its own, which has to be closed when this returns
     */
    Prepared prepare(Model model, Batch batch, List<Adapter> adapters, List<Adapter> reference, Arena arena);

    /** The objective on one batch. */
    interface Prepared {
        /**
         * The sum of the losses. In a pass that can run backwards, {@link dev.peft4j.core.autograd.Pass#backward} then gives the gradients of
         * {@code scale · sum}.
         */
        Loss loss(Call call, double scale);

        /** The same of an evaluation. */
        Judged judge(Call call);
    }

    /**
     * What an evaluation says of a batch.
     *
     * @param loss that runs are compared by
     * @param right predictions
     * @param judged predictions that can be right or wrong
     */
    record Judged(Loss loss, long right, long judged) {}
}
