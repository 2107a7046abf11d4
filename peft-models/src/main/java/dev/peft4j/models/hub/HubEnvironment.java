package dev.peft4j.models.hub;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.Problems;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads the variables that Python's {@code huggingface_hub} reads, with its defaults (its file {@code constants.py}).
 *
 * @param variables of the environment
 * @param home directory of the user
 */
record HubEnvironment(Map<String, String> variables, String home) {
    static final String ENDPOINT = "https://huggingface.co";
    private static final Set<String> TRUE = Set.of("1", "ON", "YES", "TRUE");
    private static final Pattern VARIABLE = Pattern.compile("\\$(?:(\\w{1,200})|\\{([^}]{1,200})})");
    private static final Pattern SECONDS = Pattern.compile("[0-9]{1,6}");
    private static final int MOST_OF_TOKEN = 4096; // bytes

    HubConfig config() throws IOException {
        String cache = first("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE");
        return new HubConfig(
                endpoint(),
                cache.isEmpty() ? hubHome().resolve("hub") : path(cache),
                token(),
                isTrue(first("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")),
                !isTrue(first("HF_HUB_DISABLE_SYMLINKS")),
                timeout());
    }

    /** The first of some variables that says something. */
    private String first(String... names) {
        for (String name : names) {
            String value = variables.getOrDefault(name, "");
            if (!value.isEmpty()) {
                return value;
            }
        }
        return "";
    }

    private static boolean isTrue(String value) {
        return TRUE.contains(value.toUpperCase(Locale.ROOT));
    }

    private Path hubHome() {
        String own = first("HF_HOME");
        if (!own.isEmpty()) {
            return path(own);
        }
        String caches = first("XDG_CACHE_HOME");
        return (caches.isEmpty() ? path("~/.cache") : path(caches)).resolve("huggingface");
    }

    /** With {@code ~} for the user's directory and with variables, as Python reads it. */
    private Path path(String text) {
        String whole = text.equals("~") || text.startsWith("~/") ? home + text.substring(1) : text;
        String filled = VARIABLE.matcher(whole).replaceAll(m -> {
            String name = m.group(1) != null ? m.group(1) : m.group(2);
            return Matcher.quoteReplacement(variables.getOrDefault(name, m.group()));
        });
        try {
            return Path.of(filled).toAbsolutePath();
        } catch (InvalidPathException e) {
            throw new BadInputException(
                    "a directory for the cache of the hub was given, and \"" + HubException.shown(text)
                            + "\" cannot be one. Set HF_HOME or HF_HUB_CACHE to the path of a directory.",
                    e);
        }
    }

    private URI endpoint() {
        String text = first("HF_ENDPOINT");
        try {
            return new URI(text.isEmpty() ? ENDPOINT : text);
        } catch (URISyntaxException e) { // its message would show a password
            throw new BadInputException(
                    "the address of a hub was expected in HF_ENDPOINT, and what it has is none. Set it to " + ENDPOINT
                            + " or to a mirror, or leave it out.");
        }
    }

    private Duration timeout() {
        String text = first("HF_HUB_DOWNLOAD_TIMEOUT");
        if (text.isEmpty()) {
            return HubConfig.DEFAULT_TIMEOUT;
        }
        if (!SECONDS.matcher(text).matches()) {
            throw new BadInputException("HF_HUB_DOWNLOAD_TIMEOUT was to be a time in seconds and is \""
                    + HubException.shown(text) + "\". Set it to a number such as 30, or leave it out.");
        }
        return Duration.ofSeconds(Long.parseLong(text));
    }

    private HubToken token() throws IOException {
        if (isTrue(first("HF_HUB_DISABLE_IMPLICIT_TOKEN"))) {
            return HubToken.none();
        }
        String given = first("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN").strip();
        if (!given.isEmpty()) {
            return HubToken.of(given);
        }
        String named = first("HF_TOKEN_PATH");
        Path file = named.isEmpty() ? hubHome().resolve("token") : path(named);
        return Files.isRegularFile(file) ? read(file) : HubToken.none();
    }

    private static HubToken read(Path file) throws IOException {
        try {
            if (Files.size(file) > MOST_OF_TOKEN) {
                throw new BadFileException(
                        file,
                        "the token of the hub was expected, and the file has " + Files.size(file)
                                + " bytes. Write the token alone into it, or set HF_TOKEN.");
            }
            String text = Files.readString(file).strip();
            return text.isEmpty() ? HubToken.none() : HubToken.of(text);
        } catch (CharacterCodingException e) {
            throw new BadFileException(
                    file, "the token of the hub was expected, and this is no text. Log in again, or set HF_TOKEN.", e);
        } catch (BadFileException e) {
            throw e;
        } catch (IOException e) {
            throw new BadFileException(
                    file,
                    "the token of the hub was to be read: " + Problems.of(e)
                            + ". Check the rights of the file, or set HF_TOKEN.",
                    e);
        }
    }
}
