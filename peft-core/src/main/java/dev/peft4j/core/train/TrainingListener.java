package dev.peft4j.core.train;

import java.util.List;

/** Is told what happens in a training run, on the thread that trains. */
public interface TrainingListener {
    /**
     * The run begins.
     *
     * @param steps that will be made, unless it ends early
     * @param trainable elements that are trained
     * @param all elements of the model and the adapter
     */
    default void onStart(int steps, long trainable, long all) {}

    /**
     * The model has modules with random values, such as a head that its checkpoint lacks; told before the run begins. What is evaluated before training
     * is not the base then, but this beginning.
     *
     * @param modules their names
     */
    default void onNewModules(List<String> modules) {}

    /**
     * A run goes on that was stopped; told after {@link #onStart}.
     *
     * @param step that it has come to
     */
    default void onResume(int step) {}

    /**
     * A stage of a {@link Strategy} begins, or goes on with a run that goes on.
     *
     * @param number of the stage, from 1
     * @param count of stages
     * @param text of what is trained in it
     * @param trained elements that are trained in it
     * @param all elements of the model
     */
    default void onStage(int number, int count, String text, long trained, long all) {}

    /**
     * A step has been made. A step without a token to learn from changes nothing, and is not told.
     *
     * @param step from 1
     * @param loss mean of its batch, before the step
     * @param learningRate of the step
     * @param gradientNorm before it was clipped
     * @param tokens of its batch, or images
     * @param seconds that it took
     */
    default void onStep(int step, double loss, double learningRate, double gradientNorm, int tokens, double seconds) {}

    /**
     * The held-out records have been evaluated.
     *
     * @param step steps made so far; 0 is before the run, without the adapters that are trained
     * @param evaluation the result
     */
    default void onEvaluation(int step, Evaluation evaluation) {}

    /** The evaluation that was just told is the best of the run so far; a part that was run before, too. */
    default void onBest(int step, Evaluation evaluation) {}

    /** The run has ended as it should, or was stopped. */
    default void onEnd(TrainingResult result) {}
}
