package dev.peft4j.models.hub;

import dev.peft4j.core.error.BadInputException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Where a hub and its cache are, and how they are used.
 *
 * @param endpoint address of the hub, {@code https://huggingface.co} or a mirror; {@code http} is for servers of one's own
 * @param cache directory of the cache, the same as Python's {@code huggingface_hub} has
 * @param token of an account, for private and gated repositories
 * @param offline whether only the cache is used
 * @param links whether files of a snapshot are symbolic links to blobs, where the system has them; else they are the files themselves
 * @param timeout how long the hub may take to accept a connection, to begin an answer, and to send each further 4 KiB of one
 */
public record HubConfig(URI endpoint, Path cache, HubToken token, boolean offline, boolean links, Duration timeout) {
    static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(30);

    /**
     * Checks them.
     *
     * @throws BadInputException if the endpoint is no address of a server, or the time is not positive
     */
    public HubConfig {
        if (!Address.isServer(endpoint)
                || endpoint.getRawUserInfo() != null
                || endpoint.getRawQuery() != null
                || endpoint.getRawFragment() != null) {
            throw new BadInputException(
                    "the address of a hub was expected (HF_ENDPOINT), and what was given is none, or has a password, a query or"
                            + " a fragment in it. Give it as https://huggingface.co; a password belongs into HF_TOKEN.");
        }
        if (timeout.isNegative() || timeout.isZero()) {
            throw new BadInputException("the time limit of the hub was to be positive and is " + timeout
                    + ". Give seconds, such as 30 (HF_HUB_DOWNLOAD_TIMEOUT).");
        }
    }

    /** The public hub without a token, and a cache. */
    public static HubConfig of(Path cache) {
        return new HubConfig(URI.create(HubEnvironment.ENDPOINT), cache, HubToken.none(), false, true, DEFAULT_TIMEOUT);
    }

    /**
     * As the environment says, by the names and defaults of Python's {@code huggingface_hub}: {@code HF_HOME}, {@code HF_HUB_CACHE}, {@code HF_ENDPOINT}, {@code
     * HF_TOKEN}, {@code HF_TOKEN_PATH}, {@code HF_HUB_OFFLINE}, {@code HF_HUB_DISABLE_SYMLINKS}, {@code HF_HUB_DOWNLOAD_TIMEOUT}.
     *
     * @throws IOException if the file of the token cannot be read
     * @throws BadInputException if a variable has a value that cannot be used
     */
    public static HubConfig fromEnvironment() throws IOException {
        return new HubEnvironment(System.getenv(), System.getProperty("user.home")).config();
    }

    /** With another hub. */
    public HubConfig withEndpoint(URI address) {
        return new HubConfig(address, cache, token, offline, links, timeout);
    }

    /** With the token of an account. */
    public HubConfig withToken(HubToken other) {
        return new HubConfig(endpoint, cache, other, offline, links, timeout);
    }

    /** With the cache alone, or with the hub. */
    public HubConfig withOffline(boolean value) {
        return new HubConfig(endpoint, cache, token, value, links, timeout);
    }

    /** With symbolic links, or without. */
    public HubConfig withLinks(boolean value) {
        return new HubConfig(endpoint, cache, token, offline, value, timeout);
    }

    /** With another time limit. */
    public HubConfig withTimeout(Duration value) {
        return new HubConfig(endpoint, cache, token, offline, links, value);
    }
}
