package dev.peft4j.core.layer;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.data.Layout;
import dev.peft4j.core.data.Measure;
import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The part of a model that makes predictions of the rows of its backbone: which rows it reads, what it predicts, and what that is compared with. A task is
 * a head, so every family serves every task that has one.
 */
public interface Head {
    /** What it is for. */
    TaskType task();

    /** Number of predictions of a row: tokens, classes, numbers. */
    int outputs();

    /** What is predicted of whole sequences, which {@code problem_type} of a config tells; null of a head of another task. */
    default @Nullable ProblemType problem() {
        return null;
    }

    /** The fields of {@code config.json} that tell a form which is not the usual one of the family; an adapter notes them too. */
    default Map<String, Object> fields() {
        return Map.of();
    }

    /** The rows whose logits are asked for when there is nothing to compare with, in rising order; null for all. */
    int @Nullable [] rows(Layout layout);

    /**
     * What is predicted of.
     *
     * @param call for layers over these rows
     * @param rows (n, C)
     */
    record Features(Call call, Node rows) {}

    /**
     * What is predicted of, made of the rows that were read: these rows themselves, but where a head takes their mean.
     *
     * @param call over the rows of {@code hidden}
     * @param layout of the batch
     * @param hidden (n, C)
     */
    default Features features(Call call, Layout layout, Node hidden) {
        return new Features(call, hidden);
    }

    /**
     * Whether what a row costs depends on other rows, so that the loss is asked for all of them at once: a softmax over the tokens of a sequence, or over the
     * sequences of a batch.
     */
    default boolean isJoint() {
        return false;
    }

    /**
     * This head as one that reads what a layer of it reads: features that were computed before, instead of rows of the backbone. Dropout in front of the layer
     * is left out.
     *
     * @param layer name of a linear layer of the head
     * @return null if it has no such layer, or cannot be cut there
     */
    default @Nullable Head behind(String layer) {
        return null;
    }

    /**
     * Predictions.
     *
     * @param call over the rows of {@code hidden}
     * @param hidden (n, C)
     * @return (n, outputs)
     */
    Node logits(Call call, Node hidden);

    /**
     * What is compared with what.
     *
     * @param rows of the backbone that are read, in rising order; at least one of each sequence or image
     * @param targets of what is predicted of these rows: of {@link #features}
     * @param count how many of them are scored
     */
    record Scored(int[] rows, Targets targets, int count) {}

    /**
     * Which rows are compared with the targets of a batch.
     *
     * @throws BadInputException if the batch has targets of another kind
     */
    Scored scored(Layout layout);

    /** How predictions are compared. */
    LossFunction loss();

    /** What is told of an evaluation beside the loss. */
    Measure measure();

    /** How many predictions are right, of those that {@link #judged} counts; 0 where a measure is none of right and wrong. */
    default long right(Backend backend, Tensor logits, Targets targets) {
        return 0;
    }

    /** How many predictions can be right or wrong. */
    default long judged(Targets targets) {
        return 0;
    }
}
