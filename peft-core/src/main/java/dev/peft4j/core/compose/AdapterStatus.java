package dev.peft4j.core.compose;

import java.util.List;

/**
 * One line of the table of a {@link PeftModel}.
 *
 * @param name of the adapter
 * @param method its {@code peft_type}
 * @param parameters number of elements
 * @param trainable how many of them are trained
 * @param layers number of layers at which it acts
 * @param replaced base tensors that it has copies of: classifiers, biases
 * @param calls passes that are using it now
 */
public record AdapterStatus(
        String name, String method, long parameters, long trainable, int layers, List<String> replaced, int calls) {}
