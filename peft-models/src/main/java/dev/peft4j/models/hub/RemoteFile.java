package dev.peft4j.models.hub;

import java.util.regex.Pattern;

/**
 * A file of a commit.
 *
 * @param name in the repository
 * @param size bytes, or -1 if the listing does not say
 * @param blob by which the cache knows its content: SHA-256 of a large file, the hash of git of a small one; empty if the listing does not say
 */
record RemoteFile(String name, long size, String blob) {
    private static final Pattern BLOB = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}");

    /** Whether the listing says what its bytes are. */
    boolean isKnown() {
        return size >= 0 && !blob.isEmpty();
    }

    /** Whether a text can name a blob, and leads nowhere else. */
    static boolean isBlob(String text) {
        return BLOB.matcher(text).matches() && !text.endsWith(".") && !text.endsWith(".incomplete");
    }

    /** Whether a path stays within a directory, on every system. */
    static boolean staysInside(String path) {
        if (path.isEmpty() || path.chars().anyMatch(c -> c == '\\' || c < ' ' || c == 0x7f)) {
            return false;
        }
        for (String part : path.split("/", -1)) {
            if (part.isEmpty() || part.equals(".") || part.equals("..")) {
                return false;
            }
        }
        return path.length() < 2 || path.charAt(1) != ':'; // C:/..
    }
}
