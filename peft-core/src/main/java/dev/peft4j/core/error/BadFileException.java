package dev.peft4j.core.error;

import java.io.IOException;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A file does not hold what its format or its user promises. */
public final class BadFileException extends IOException implements PeftFailure {
    private static final long serialVersionUID = 1L;
    private static final Pattern CONTROL = Pattern.compile("[\\p{Cc}\\p{Cf}&&[^\n]]");

    /** With what was asked, what was found, and what to do. */
    public BadFileException(Path file, String problem) {
        super(shown(named(file) + ": " + problem));
    }

    /** With the error that was met while reading. */
    public BadFileException(Path file, String problem, @Nullable Throwable cause) {
        super(shown(named(file) + ": " + problem), cause);
    }

    private static String named(Path file) {
        return file.toString().isEmpty() ? "the current directory" : file.toString();
    }

    /** Control characters, which would tell a terminal what to do, become visible. */
    private static String shown(String text) {
        return CONTROL.matcher(text)
                .replaceAll(m -> String.format("\\\\u%04x", (int) m.group().charAt(0)));
    }
}
