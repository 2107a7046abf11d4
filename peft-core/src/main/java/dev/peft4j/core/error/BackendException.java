package dev.peft4j.core.tensor;

import org.jspecify.annotations.Nullable;

/** There is nothing to compute with: natives are missing or cannot be loaded, or a setting names what does not exist. */
public final class BackendException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    BackendException(String message) {
        super(message);
    }

    BackendException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
