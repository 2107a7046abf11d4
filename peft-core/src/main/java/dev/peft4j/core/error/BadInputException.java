package dev.peft4j.core.error;

import org.jspecify.annotations.Nullable;

/** A value that was given, such as of a config, a record or an option, is none that can be used; nothing has been done with it. */
public final class BadInputException extends IllegalArgumentException implements PeftFailure {
    private static final long serialVersionUID = 1L;

    /** With what was asked, what was found, and what to do. */
    public BadInputException(String message) {
        super(message);
    }

    /** With the error that was met while looking at it. */
    public BadInputException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
