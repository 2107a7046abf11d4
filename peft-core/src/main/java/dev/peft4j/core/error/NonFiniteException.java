package dev.peft4j.core.error;

/** A value became infinite or not a number. */
public final class NonFiniteException extends ArithmeticException implements PeftFailure {
    private static final long serialVersionUID = 1L;
    private final String tensor;

    /** With the name of the first tensor that went wrong. */
    public NonFiniteException(String tensor) {
        super("a finite value was expected in " + tensor + ", and it holds infinity or NaN."
                + " Lower the learning rate, clip gradients, or check the data.");
        this.tensor = tensor;
    }

    /** Name of the first tensor that went wrong. */
    public String tensor() {
        return tensor;
    }
}
