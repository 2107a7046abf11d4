package dev.peft4j.models.hub;

import dev.peft4j.core.error.BadInputException;
import java.util.regex.Pattern;

/**
 * The token of an account on the hub, for private and gated repositories. It is sent to the hub alone: it is in no log, no message, no {@code toString}, and no
 * request to another host.
 */
public final class HubToken {
    private static final HubToken NONE = new HubToken("");
    private static final Pattern ALLOWED = Pattern.compile("[\\x21-\\x7e]{1,4096}");

    private final String value;

    private HubToken(String value) {
        this.value = value;
    }

    /** No token: only public repositories can be read. */
    public static HubToken none() {
        return NONE;
    }

    /**
     * A token as the settings of an account show it, {@code hf_...}; space around it is removed.
     *
     * @throws BadInputException if it has characters that no token has
     */
    public static HubToken of(String text) {
        String value = text.strip();
        if (!ALLOWED.matcher(value).matches()) {
            throw new BadInputException("the token of the hub was given and has " + value.length()
                    + " characters, and among them some that no token has, such as spaces. Copy it again from the settings of"
                    + " the account (HF_TOKEN, or the file of HF_TOKEN_PATH); it is not shown here.");
        }
        return new HubToken(value);
    }

    /** Whether there is none. */
    public boolean isNone() {
        return value.isEmpty();
    }

    /** Value of the header Authorization. */
    String authorization() {
        return "Bearer " + value;
    }

    /** A message without the token, which a server may have sent back. */
    String hide(String message) {
        return isNone() ? message : message.replace(value, "(token)");
    }

    /** Whether there is a token, and not which. */
    @Override
    public String toString() {
        return isNone() ? "none" : "hidden";
    }
}
