package dev.peft4j.models.hub;

import java.io.IOException;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A model or adapter could not be got from the hub or its cache: the hub cannot be reached, refuses, does not have it, or sends what it should not. The message
 * says what was asked, what was found and what to do; it never has the token.
 */
public final class HubException extends IOException {
    private static final long serialVersionUID = 1L;
    private static final int MOST = 120; // characters of a name that somebody else has chosen
    private static final Pattern CONTROL = Pattern.compile("[\\p{Cc}\\p{Cf}]");

    private final boolean unreachable;

    private HubException(String message, @Nullable Throwable cause, boolean unreachable) {
        super(message, cause);
        this.unreachable = unreachable;
    }

    /** What asking again does not change. */
    static HubException of(String message, @Nullable Throwable cause) {
        return new HubException(message, cause, false);
    }

    /** The hub does not answer now, or is too busy. */
    static HubException unreachable(String message, @Nullable Throwable cause) {
        return new HubException(message, cause, true);
    }

    /** Whether the cache may serve instead. */
    boolean isUnreachable() {
        return unreachable;
    }

    /** A name from elsewhere for a message: short, and without what would tell a terminal what to do. */
    static String shown(String name) {
        String cut = name.length() <= MOST ? name : name.substring(0, MOST) + "...";
        return CONTROL.matcher(cut)
                .replaceAll(m -> String.format("\\\\u%04x", (int) m.group().charAt(0)));
    }
}
