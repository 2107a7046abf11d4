package dev.peft4j.core.adapter;

import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;
import java.util.Set;

/** What an adapter method sees of a model: where it may act, and the tensors that it may copy. */
public interface ModelSites {
    /** {@code model_type} of the checkpoint: gpt2, llama, bert. */
    String modelType();

    /** What the model predicts. */
    TaskType taskType();

    /** All linear layers in the order of the forward pass. */
    List<LinearSite> linearSites();

    /** Names of all tensors of the checkpoint. */
    Set<String> tensorNames();

    /** A base tensor; weights are (out, in) whatever their layout in the file. Never changed by an adapter. */
    Tensor tensor(String name);

    /** Dimensions of a base tensor as this library keeps it: two for a matrix, one for a vector. */
    int[] shape(String name);

    /** Names of the modules that are trained whole for the task of this model because the checkpoint may not have them: the classifier. */
    List<String> taskModules();

    /** Whether linear weights are (in, out) in the checkpoint, as GPT-2's Conv1D: PEFT's {@code fan_in_fan_out}. */
    boolean fanInFanOut();

    /** The engine that the model computes with. */
    Backend backend();
}
