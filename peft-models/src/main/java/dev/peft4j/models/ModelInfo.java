package dev.peft4j.models;

import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.AdapterInfo;
import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.Checkpoint;
import dev.peft4j.core.format.TensorInfo;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.TaskType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What a model directory says of itself before its weights are read.
 *
 * @param modelType family
 * @param task what the model does
 * @param problem what a classifier predicts, or null if the config leaves it to the number of outputs
 * @param head outputs of the head that a classifier's checkpoint has; 0 for none
 * @param labels names of the outputs in the config; empty if it has none but numbered ones
 * @param headModule name of the output layer of a classifier, or of the module that its layers are in; empty if it is none
 * @param form of that head
 */
public record ModelInfo(
        String modelType,
        TaskType task,
        @Nullable ProblemType problem,
        int head,
        List<String> labels,
        String headModule,
        NewHead form) {

    /**
     * Reads {@code config.json} and the header of the checkpoint.
     *
     * @throws BadFileException if one is missing or damaged, or the family is not known
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
        return read(directory, asked, List.of());
    }

    /**
     * The same for a model that adapters are to be used on: for their task, if none was asked for. Adapters that do not say their task fit any; so do those for
     * vectors on a language model, of which there is no model for vectors.
     *
     * @throws BadFileException if an adapter was trained for another task than was asked for, or for one that the family does not serve
     * @throws BadInputException if adapters were trained for different tasks
     */
    public static ModelInfo read(Path directory, @Nullable TaskType asked, List<Path> adapters) throws IOException {
        ModelConfig config = ModelConfig.read(directory);
        String type = config.text("model_type", "");
        ModelFamily family = Families.of(config);
        Set<TaskType> served = family.traits().heads().keySet();
        TaskType task = asked != null ? asked : ofAdapters(type, served, adapters);
        task = task != null ? task : family.task(config);
        requireTask(directory, task, adapters);
        FamilyTraits.Head head = family.traits().head(task);
        if (!task.classifies() || head == null) {
            return new ModelInfo(type, task, null, 0, List.of(), "", NewHead.usual());
        }
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            NewHead form = task.classifiesWhole() ? NewHead.read(config) : NewHead.usual();
            String output = form.output(head.module());
            TensorInfo weight = checkpoint.info(output + ".weight");
            String elsewhere = family.traits().namesElsewhere().other(output);
            weight = weight == null ? checkpoint.info(elsewhere + ".weight") : weight;
            return new ModelInfo(
                    type,
                    task,
                    problem(config, task),
                    weight == null ? 0 : weight.rows(),
                    config.labels(),
                    head.module(),
                    form);
        }
    }

    /**
     * What {@code config.json} says of a model that is to be trained from nothing, which has no head yet.
     *
     * @param asked null for the task of the config
     * @throws BadFileException if the file is missing or damaged, or the family is not known
     */
    public static ModelInfo fromScratch(Path directory, @Nullable TaskType asked) throws IOException {
        ModelConfig config = ModelConfig.read(directory);
        ModelFamily family = Families.of(config);
        TaskType task = asked != null ? asked : family.task(config);
        FamilyTraits.Head head = family.traits().head(task);
        String type = config.text("model_type", "");
        if (!task.classifies() || head == null) {
            return new ModelInfo(type, task, null, 0, List.of(), "", NewHead.usual());
        }
        NewHead form = task.classifiesWhole() ? NewHead.read(config) : NewHead.usual();
        return new ModelInfo(type, task, problem(config, task), 0, config.labels(), head.module(), form);
    }

    private static @Nullable ProblemType problem(ModelConfig config, TaskType task) throws IOException {
        return task.classifiesWhole() && config.has("problem_type") ? config.problemType(2) : null;
    }

    /** The task that adapters were trained for; null if none says, or the model is there for no such task. */
    private static @Nullable TaskType ofAdapters(String modelType, Set<TaskType> served, List<Path> adapters)
            throws IOException {
        TaskType task = null;
        Path first = null;
        for (Path adapter : adapters) {
            TaskType told = AdapterFiles.describe(adapter).task();
            if (told == null || (told == TaskType.FEATURE_EXTRACTION && !served.contains(told))) {
                continue;
            }
            if (task != null && told != task) {
                throw new BadInputException("adapters were to be used together, and " + first + " was trained for "
                        + task + ", " + adapter + " for " + told + ". Use adapters of one task.");
            }
            if (!served.contains(told)) {
                throw new BadFileException(
                        adapter,
                        "the adapter was trained for " + told + " (\"task_type\" in adapter_config.json), and this "
                                + modelType + " model serves " + new TreeSet<>(served)
                                + ". Use the model that it was trained on.");
            }
            task = told;
            first = adapter;
        }
        return task;
    }

    private static void requireTask(Path directory, TaskType task, List<Path> adapters) throws IOException {
        for (Path adapter : adapters) {
            TaskType told = AdapterFiles.describe(adapter).task();
            boolean ofVectors = told == TaskType.FEATURE_EXTRACTION && task == TaskType.CAUSAL_LM;
            if (told != null && told != task && !ofVectors) {
                throw new BadFileException(
                        adapter,
                        "the adapter was trained for " + told
                                + " (\"task_type\" in adapter_config.json), and the model "
                                + directory + " is to be used for " + task + ". Open the model for " + told
                                + ", or use an adapter that was trained for " + task + ".");
            }
        }
    }

    /**
     * Makes sure that adapters can be used on the model as it was opened.
     *
     * @param directory of the model, for messages
     * @throws BadFileException if one was trained for another task than this
     */
    public void requireTaskOf(Path directory, List<Path> adapters) throws IOException {
        requireTask(directory, task, adapters);
    }

    /**
     * The form of the head that the model is to be opened with: what was asked for, or what adapters note; null if neither says, for that of the checkpoint.
     *
     * @throws BadInputException if the model does not classify whole texts or images, or an adapter has a head already
     */
    public @Nullable NewHead newHead(@Nullable NewHead asked, List<Path> adapters) throws IOException {
        if (asked != null) {
            asked.requireTask(modelType, task);
        }
        NewHead found = asked;
        for (Path directory : adapters) {
            AdapterInfo adapter = AdapterFiles.describe(directory);
            NewHead noted = task.classifiesWhole() ? NewHead.ofNotes(directory, adapter.notes()) : null;
            if (asked != null && (noted != null || outputs(directory) > 0)) {
                throw new BadInputException(asked + " was asked for, and the adapter " + directory
                        + " has a head already. Leave that out to go on with this head.");
            }
            if (found != null && noted != null && !noted.equals(found)) {
                throw new BadInputException("adapters were to be used together, and " + directory
                        + " was trained with another form of the head than the others. Use adapters of one task.");
            }
            found = noted == null ? found : noted;
        }
        return found;
    }

    /**
     * Outputs of the head of a classifier that an adapter has; 0 if it has none.
     *
     * @throws BadFileException if the adapter cannot be read
     */
    public int outputs(Path directory) throws IOException {
        AdapterInfo adapter = AdapterFiles.describe(directory);
        NewHead noted = task.classifiesWhole() ? NewHead.ofNotes(directory, adapter.notes()) : null;
        NewHead own = noted == null ? form : noted;
        return adapter.outputs(headModule.isEmpty() ? "" : own.output(headModule));
    }

    /**
     * Makes sure that the model is a language model.
     *
     * @param asked what is to be done with it, as a message begins: {@code conversations were to be learnt}
     * @throws BadInputException if it is another one
     */
    public void requireLanguageModel(String asked) {
        if (task != TaskType.CAUSAL_LM) {
            throw new BadInputException(asked + ", which takes a language model (CAUSAL_LM), and this " + modelType
                    + " model is for " + task + ". Use a language model, or records of texts for " + task + ".");
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
