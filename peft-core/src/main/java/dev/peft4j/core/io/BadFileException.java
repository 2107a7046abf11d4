package dev.peft4j.core.io;

import java.io.IOException;
import java.nio.file.Path;

/** A file does not hold what its format or its user promises. */
public final class BadFileException extends IOException {
    private static final long serialVersionUID = 1L;

    /** With what was asked, what was found, and what to do. */
    public BadFileException(Path file, String problem) {
        super(file + ": " + problem);
    }

    /** With the error that was met while reading. */
    public BadFileException(Path file, String problem, Throwable cause) {
        super(file + ": " + problem, cause);
    }
}
