package dev.peft4j.models.hub;

import dev.peft4j.core.error.BadInputException;
import java.util.regex.Pattern;

/**
 * The name of a model or adapter on a hub, {@code hub:org/name} or {@code hub:org/name@revision}.
 *
 * @param repository {@code org/name}, or {@code name} alone for the old ones that have no organisation
 * @param revision a branch, a tag, {@code refs/pr/N}, or a commit
 */
public record HubName(String repository, String revision) {
    private static final String PREFIX = "hub:";
    private static final String DEFAULT_REVISION = "main";
    private static final int MOST = 200; // characters of a revision
    private static final Pattern PART = Pattern.compile("[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?");
    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");

    /**
     * Checks both, by the rules of the hub.
     *
     * @throws BadInputException if one cannot be the name of a repository or a revision
     */
    public HubName {
        if (!isRepository(repository)) {
            throw new BadInputException("the hub was asked for the repository \"" + shown(repository)
                    + "\", which cannot be the name of one: letters, digits, \"-\", \"_\" and \".\" are allowed, as org/name."
                    + " Copy the name from its page, such as hub:org/name or hub:org/name@revision.");
        }
        if (!isRevision(revision)) {
            throw new BadInputException("revision \"" + shown(revision) + "\" of " + PREFIX + repository
                    + " was asked for, which is none: letters, digits, \"-\", \"_\", \"+\", \".\" and \"/\" are allowed, at most "
                    + MOST + ". Give a branch, a tag or a commit.");
        }
    }

    /** Whether a text names a place on a hub, and no directory: it begins with {@code hub:}. */
    public static boolean isHub(String text) {
        return text.startsWith(PREFIX);
    }

    /**
     * Reads {@code hub:org/name} or {@code hub:org/name@revision}; without a revision it is {@code main}.
     *
     * @throws BadInputException if the text is neither
     */
    public static HubName parse(String text) {
        if (!isHub(text)) {
            throw new BadInputException("the name of a model on a hub was expected, and \"" + shown(text)
                    + "\" does not begin with " + PREFIX + ". Write it as hub:org/name or hub:org/name@revision.");
        }
        String name = text.substring(PREFIX.length());
        int at = name.indexOf('@');
        return at < 0
                ? new HubName(name, DEFAULT_REVISION)
                : new HubName(name.substring(0, at), name.substring(at + 1));
    }

    private static boolean isRepository(String text) {
        String[] parts = text.split("/", -1);
        boolean bad = parts.length > 2 || text.contains("--") || text.contains("..") || text.endsWith(".git");
        return !bad && isPart(parts[0]) && isPart(parts[parts.length - 1]);
    }

    private static boolean isPart(String text) {
        return PART.matcher(text).matches();
    }

    /** It becomes a path of the cache, so each part has to be the plain name of a file. */
    private static boolean isRevision(String text) {
        if (text.isEmpty() || text.length() > MOST) {
            return false;
        }
        for (String part : text.split("/", -1)) {
            if (!isPart(part.replace('+', '_')) || part.contains("..")) {
                return false;
            }
        }
        return true;
    }

    private static String shown(String text) {
        return HubException.shown(text);
    }

    static boolean isCommit(String text) {
        return COMMIT.matcher(text).matches();
    }

    /** Whether the revision says itself which commit it is. */
    boolean isFixed() {
        return isCommit(revision);
    }

    /** Name of its directory in the cache. */
    String folder() {
        return "models--" + repository.replace("/", "--");
    }

    /** As {@link #parse} reads it. */
    @Override
    public String toString() {
        return PREFIX + repository + (revision.equals(DEFAULT_REVISION) ? "" : "@" + revision);
    }
}
