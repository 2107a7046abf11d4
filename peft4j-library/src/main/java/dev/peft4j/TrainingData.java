package dev.peft4j;

import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.train.Objective;
import dev.peft4j.models.ModelInfo;
import dev.peft4j.models.data.Labels;
import dev.peft4j.models.data.RecordEncoder;
import dev.peft4j.models.data.TextRecord;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What a model is trained on, and what is held out to evaluate on: a {@link Dataset} of records, {@link Conversations}, {@link Preferences}, or {@link Ratings}. */
public abstract sealed class TrainingData permits Dataset, Conversations, Preferences, Ratings {
    TrainingData() {}

    /** The same, with a share held out if it was not said what is; where records of a task are compared with each other, a share of one record is none. */
    abstract TrainingData splitUnless(double share, long seed, TaskType task);

    /**
     * Makes sure that a model can learn it.
     *
     * @throws dev.peft4j.core.error.BadInputException if it takes a language model, and this is none
     */
    void requireFit(ModelInfo model) {
        model.requireLanguageModel(getClass().getSimpleName().toLowerCase(Locale.ROOT) + " were to be learnt");
    }

    /**
     * What the labels of records mean.
     *
     * @param classes that were asked for, or 0
     * @param adapters that are trained on
     */
    Labels labels(ModelInfo model, int classes, List<Path> adapters) throws IOException {
        return Labels.none();
    }

    /** Lines to be shown before training. */
    List<String> notes(ModelInfo model, Labels labels) {
        return List.of();
    }

    /** How many records there are on one side. */
    abstract int size(boolean heldOut);

    /** The held-out records, where they are scored in the terms of a task. */
    List<TextRecord> scored() {
        return List.of();
    }

    /** The examples of one side, which has records. */
    abstract RecordEncoder.Encoded encode(Base base, Labels labels, int rowsInFront, int maxLength, boolean heldOut)
            throws IOException;

    /** What training makes small, or null for the loss of the head. */
    @Nullable
    Objective objective() {
        return null;
    }

    @Override
    public final String toString() {
        return size(false) + " records, " + size(true) + " held out";
    }
}
