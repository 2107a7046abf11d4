package dev.peft4j.models;

import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.weight.WeightFormat;
import org.jspecify.annotations.Nullable;

/**
 * How a model is opened.
 *
 * @param backend that it computes on
 * @param format in which its matrices are kept
 * @param task that it is to have a head for; null for that of the checkpoint
 * @param outputs of a classifier: classes, labels or numbers that it predicts; 0 for as many as the config names, or 2. A head of the checkpoint that has
 *     another number of them is left out, and a new one made.
 * @param seed of layers that the checkpoint does not have
 * @param problem what a classifier of sequences predicts, whatever the config says; null for what the config says, or the number of outputs
 * @param head the form of a new head of a classifier of whole texts or images, where the checkpoint has none of as many outputs; null for that of the config
 */
public record LoadOptions(
        Backend backend,
        WeightFormat format,
        @Nullable TaskType task,
        int outputs,
        long seed,
        @Nullable ProblemType problem,
        @Nullable NewHead head) {
    /** On the default backend, with matrices as the checkpoint has them. */
    public static LoadOptions defaults() {
        return on(Backend.auto());
    }

    /** The same on a backend. */
    public static LoadOptions on(Backend backend) {
        return new LoadOptions(backend, WeightFormat.stored(), null, 0, 0, null, null);
    }

    /** With matrices in another form. */
    public LoadOptions withFormat(WeightFormat newFormat) {
        return new LoadOptions(backend, newFormat, task, outputs, seed, problem, head);
    }

    /** With a head for a task, which is new if the checkpoint does not have it. */
    public LoadOptions withTask(TaskType newTask) {
        return new LoadOptions(backend, format, newTask, outputs, seed, problem, head);
    }

    /** With another number of outputs of a classifier. */
    public LoadOptions withOutputs(int newOutputs) {
        return new LoadOptions(backend, format, task, newOutputs, seed, problem, head);
    }

    /** With other first values of new layers. */
    public LoadOptions withSeed(long newSeed) {
        return new LoadOptions(backend, format, task, outputs, newSeed, problem, head);
    }

    /** With another kind of prediction of a classifier of sequences; null for that of the checkpoint. */
    public LoadOptions withProblem(@Nullable ProblemType newProblem) {
        return new LoadOptions(backend, format, task, outputs, seed, newProblem, head);
    }

    /** With a new head of another form than the family has; null for that of the config. */
    public LoadOptions withNewHead(@Nullable NewHead newHead) {
        return new LoadOptions(backend, format, task, outputs, seed, problem, newHead);
    }
}
