package dev.peft4j.core.error;

/** Something was used in a state in which it cannot be: after it was closed, by another thread or run at the same time, or for what it does not have. */
public final class WrongUseException extends IllegalStateException implements PeftFailure {
    private static final long serialVersionUID = 1L;

    /** With what was asked, what was found, and what to do. */
    public WrongUseException(String message) {
        super(message);
    }
}
