package dev.peft4j.core.error;

import org.jspecify.annotations.Nullable;

/** There is nothing to compute with: natives are missing or cannot be loaded, or a setting names what does not exist. */
public final class BackendException extends IllegalStateException implements PeftFailure {
    private static final long serialVersionUID = 1L;

    /** With what was asked, what was found, and what to do. */
    public BackendException(String message) {
        super(message);
    }

    /** With the error of the system or of ND4J. */
    public BackendException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
