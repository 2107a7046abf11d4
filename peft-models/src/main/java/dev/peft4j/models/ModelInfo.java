package dev.peft4j.models;

import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.format.Checkpoint;
import dev.peft4j.core.format.TensorInfo;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.TaskType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a model directory says of itself before its weights are read.
 *
 * @param modelType family
 * @param task what the model does
 * @param problem what a classifier predicts, or null if the config leaves it to the number of outputs
 * @param head outputs of the head that a classifier's checkpoint has; 0 for none
 * @param labels names of the outputs in the config; empty if it has none but numbered ones
 */
public record ModelInfo(String modelType, TaskType task, @Nullable ProblemType problem, int head, List<String> labels) {

    /**
     * Reads {@code config.json} and the header of the checkpoint.
     *
     * @throws dev.peft4j.core.error.BadFileException if one is missing or damaged, or the family is not known
     */
    public static ModelInfo read(Path directory) throws IOException {
        return read(directory, null);
    }

    /**
     * The same for a model that is to be opened for a task.
     *
     * @param asked null for that of the checkpoint
     */
    public static ModelInfo read(Path directory, @Nullable TaskType asked) throws IOException {
        ModelConfig config = ModelConfig.read(directory);
        String type = config.text("model_type", "");
        ModelFamily family = Families.of(config);
        TaskType task = asked == null ? family.task(config) : asked;
        FamilyTraits.Head head = family.traits().head(task);
        if (!task.classifies() || head == null) {
            return new ModelInfo(type, task, null, 0, List.of());
        }
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            TensorInfo weight = checkpoint.info(head.module() + ".weight");
            boolean told = task == TaskType.SEQ_CLS && config.has("problem_type");
            ProblemType problem = told ? config.problemType(2) : null;
            return new ModelInfo(type, task, problem, weight == null ? 0 : weight.rows(), config.labels());
        }
    }

    /** What a classifier with so many outputs predicts: one output is a number, unless the config says something else. */
    public ProblemType problem(int outputs) {
        if (problem != null) {
            return problem;
        }
        return outputs == 1 ? ProblemType.REGRESSION : ProblemType.SINGLE_LABEL_CLASSIFICATION;
    }
}
