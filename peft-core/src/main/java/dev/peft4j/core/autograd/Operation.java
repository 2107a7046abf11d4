package dev.peft4j.core.autograd;

import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.tensor.Tensor;

/**
 * An operation on the tape.
 *
 * @param versions of the saved values when it was recorded
 * @param producer whether it made the node, and did not change it
 */
record Operation(String name, Node result, Runnable backward, Tensor[] saved, int[] versions, boolean producer) {

    void requireUnchanged() {
        for (int i = 0; i < saved.length; i++) {
            if (saved[i].version() != versions[i]) {
                throw new WrongUseException("the operation " + label() + " saved a value (" + saved[i]
                        + ") for the backward pass, and " + (saved[i].version() - versions[i])
                        + " operations changed it in place since then; the gradients would be wrong. Let what comes"
                        + " behind it change a copy, or write to a tensor of its own.");
            }
        }
    }

    /** Its name, or the class in which its derivative is written. */
    private String label() {
        String type = backward.getClass().getName().replaceFirst("\\$\\$Lambda.*", "");
        return (name.isEmpty() ? type.substring(type.lastIndexOf('.') + 1) : name) + " with the result "
                + result.value();
    }
}
