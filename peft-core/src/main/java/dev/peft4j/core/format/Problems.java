package dev.peft4j.core.format;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/** What the system says of files, in words: Java's messages are often the path alone. */
public final class Problems {
    private static final int MOST = 300; // characters

    private Problems() {}

    /** What Jackson says of a text, without the list of what could be right, where it came from, and what is longer than a message. */
    public static String ofJson(String message) {
        String plain = message.split(": (was expecting|expected a valid value)", 2)[0]
                .replaceAll(" ?\\(start marker at .*", "")
                .replaceAll(" ?\\[Source: [^\\]]*\\]", "");
        return plain.length() <= MOST ? plain : plain.substring(0, MOST) + "...";
    }

    /** The cause of an error, as a part of a sentence. */
    public static String of(IOException e) {
        if (e instanceof AccessDeniedException) {
            return "permission denied for " + e.getMessage();
        }
        if (e instanceof NoSuchFileException) {
            return "there is no " + e.getMessage();
        }
        if (e instanceof FileAlreadyExistsException || e instanceof NotDirectoryException) {
            return e.getMessage() + " is a file";
        }
        String message = e.getMessage();
        return message == null ? e.getClass().getSimpleName() : message;
    }
}
