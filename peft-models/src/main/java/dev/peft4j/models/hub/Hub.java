package dev.peft4j.models.hub;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.core.format.Problems;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives directories of models and adapters of a Hugging Face hub, and downloads what the cache does not have. Files are checked by size and hash; pickle files and
 * Python code are never downloaded. A call that was interrupted or killed is gone on with by the next one.
 *
 * <p>Cache and variables are those of Python's {@code huggingface_hub}, and each finds what the other has downloaded. Safe for use by several threads and
 * processes at once: one of them downloads a file, the others wait for it.
 */
public final class Hub {
    private static final Logger LOG = LoggerFactory.getLogger(Hub.class);
    private static final int MOST_OF_LISTING = 16 << 20; // bytes
    private static final Duration TIME_FOR_LISTING = Duration.ofMinutes(2);

    private final HubConfig config;
    private final HttpClient http;
    private final Pause pause;

    Hub(HubConfig config, Pause pause) {
        this.config = config;
        this.http = HubClient.client(config);
        this.pause = pause;
    }

    /** A hub and its cache. */
    public static Hub of(HubConfig config) {
        return new Hub(config, Pause.REAL);
    }

    /**
     * The hub that the environment names.
     *
     * @throws IOException if the file of the token cannot be read
     * @throws dev.peft4j.core.error.BadInputException if a variable has a value that cannot be used
     * @see HubConfig#fromEnvironment
     */
    public static Hub fromEnvironment() throws IOException {
        return of(HubConfig.fromEnvironment());
    }

    /**
     * The directory with the files of a model or adapter: its snapshot in the cache. A branch or tag is looked up on the hub each time; if the hub does not answer
     * and the cache has what the revision was before, it is that, with a warning in the log.
     *
     * @param progress is told of what is downloaded, in this thread
     * @return a directory that {@code Models.load} and {@code TextTokenizer.open}, or the reader of adapters, can open; its files are the cache's and not to be
     *     changed
     * @throws HubException if the hub does not have it, refuses it or cannot be reached, if what comes is not what is listed, or if the cache cannot be written
     * @throws BadFileException if the index of shards is damaged
     * @throws StoppedException if the thread is interrupted; what has come is kept
     */
    public Path download(HubName name, DownloadProgress progress) throws IOException {
        HubCache cache = new HubCache(config, name);
        Failures failures = new Failures(config, name);
        try {
            StoppedException.ifInterrupted(failures.asked());
            return config.offline() ? offline(cache) : online(cache, failures, progress);
        } catch (ClosedByInterruptException e) {
            throw new StoppedException(failures.asked());
        } catch (HubException | BadFileException e) {
            throw e;
        } catch (IOException e) {
            throw failures.of(
                    "the cache " + config.cache() + " could not be used (" + Problems.of(e) + "), where "
                            + config.cache().toFile().getUsableSpace()
                            + " bytes are free. Make room or check the rights, or set HF_HUB_CACHE to another directory; what"
                            + " has come is kept.",
                    e);
        }
    }

    private Path online(HubCache cache, Failures failures, DownloadProgress progress) throws IOException {
        Path before = usable(cache);
        Listing listing;
        try {
            // With something to fall back on, nobody waits for a hub that does not answer.
            listing = list(client(failures, before == null ? Backoff.USUAL : 0));
        } catch (HubException e) {
            if (e.isUnreachable() && before != null) {
                LOG.warn("{}; what the cache has is used: {}", e.getMessage(), before);
                return before;
            }
            throw e;
        }
        List<String> names = List.copyOf(listing.files().keySet());
        Selection selection = Selection.of(listing.files()::containsKey);
        if (selection.isEmpty()) {
            throw failures.noWeights(names);
        }
        HubClient client = client(failures, Backoff.USUAL);
        cache.prepare(listing.commit());
        for (String file : selection.settings()) {
            fetch(client, cache, listing, file, progress);
        }
        Path snapshot = cache.snapshot(listing.commit());
        for (String file : selection.named(snapshot, listing.files()::containsKey)) {
            fetch(client, cache, listing, file, progress);
        }
        List<String> weights = new ArrayList<>(selection.weights()); // last, so that who has them has all
        if (selection.isSharded()) {
            weights.addAll(Selection.shards(snapshot.resolve(Selection.INDEX), names));
        }
        for (String file : weights) {
            fetch(client, cache, listing, file, progress);
        }
        cache.remember(listing.commit());
        return snapshot;
    }

    private HubClient client(Failures failures, int repetitions) {
        return new HubClient(http, failures, new Backoff(pause, repetitions));
    }

    private Listing list(HubClient client) throws IOException {
        Failures failures = client.failures();
        return client.backoff().run(failures.asked(), () -> {
            try (Reply reply = client.get(Address.listing(config, failures.name()), 0, "")) {
                if (reply.status() == 404) {
                    throw missing(client, reply.header("X-Error-Code").orElse(""));
                }
                return Listing.read(all(client, reply), failures);
            }
        });
    }

    /** The whole answer of a hub that is not a file. */
    private static byte[] all(HubClient client, Reply reply) throws IOException {
        try {
            return reply.body().all(MOST_OF_LISTING, TIME_FOR_LISTING);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StoppedException(client.failures().asked());
        } catch (Body.TooLongException e) {
            throw client.failures().noHub("its answer has no end, or " + e.getMessage(), null);
        } catch (IOException e) {
            throw client.cut(reply, e);
        }
    }

    /** Whether it is the repository or its revision that does not exist; mirrors do not say. */
    private HubException missing(HubClient client, String code) throws IOException {
        Failures failures = client.failures();
        if (code.equals("RevisionNotFound")) {
            return failures.noRevision();
        }
        if (code.equals("RepoNotFound")) {
            return failures.noRepository();
        }
        try (Reply reply = client.get(Address.repository(config, failures.name()), 0, "")) {
            return reply.status() == 200 ? failures.noRevision() : failures.noRepository();
        }
    }

    private void fetch(HubClient client, HubCache cache, Listing listing, String name, DownloadProgress progress)
            throws IOException {
        RemoteFile file = listing.files().get(name);
        if (file == null) {
            throw client.failures().noFile(name);
        }
        URI address = Address.file(config, cache.name(), listing.commit(), name);
        String asked = client.failures().asked();
        RemoteFile known = file.isKnown() ? file : client.backoff().run(asked, () -> ask(client, address, name));
        if (cache.shows(listing.commit(), known)) {
            return;
        }
        CacheLock.hold(cache.lock(known.blob()), asked, () -> {
            if (cache.shows(listing.commit(), known)) { // since another one has got it
                return;
            }
            boolean isNew = !cache.has(known);
            if (isNew) {
                new BlobDownload(client, cache, address, known, progress).run();
            }
            cache.show(listing.commit(), known, isNew);
        });
    }

    /** Size and hash of a file, from a mirror that does not list them. */
    private static RemoteFile ask(HubClient client, URI address, String name) throws IOException {
        try (Reply reply = client.head(address, name)) {
            String tag =
                    reply.header("X-Linked-Etag").or(() -> reply.header("ETag")).orElse("");
            String blob = tag.replaceFirst("^W/", "").replace("\"", "");
            long linked = reply.size("X-Linked-Size");
            long size = linked >= 0 || reply.isRedirect() ? linked : reply.size("Content-Length");
            if (size < 0 || !RemoteFile.isBlob(blob)) {
                throw client.failures()
                        .noHub(
                                "it does not say how large " + HubException.shown(name) + " is and what its hash is",
                                null);
            }
            return new RemoteFile(name, size, blob);
        }
    }

    private Path offline(HubCache cache) throws IOException {
        Path snapshot = usable(cache);
        if (snapshot != null) {
            return snapshot;
        }
        String commit = cache.commit();
        String found = commit == null || !Files.isDirectory(cache.snapshot(commit))
                ? "has nothing of this revision"
                : "has only a part of it (" + cache.snapshot(commit) + ")";
        throw HubException.of(
                cache.name() + " was asked for from the cache alone (HF_HUB_OFFLINE=1), and " + config.cache() + " "
                        + found + ". Ask once without HF_HUB_OFFLINE, or set HF_HUB_CACHE to the cache that has it.",
                null);
    }

    /** The snapshot in the cache that a revision was when it was last looked up, or null if there is none with weights and what they need. */
    private static @Nullable Path usable(HubCache cache) throws IOException {
        String commit = cache.commit();
        if (commit == null) {
            return null;
        }
        Path snapshot = cache.snapshot(commit);
        Selection selection = Selection.of(file -> Files.isRegularFile(snapshot.resolve(file)));
        if (selection.isEmpty() || !selection.hasConfig()) {
            return null;
        }
        return !selection.isSharded() || hasShards(snapshot) ? snapshot : null;
    }

    private static boolean hasShards(Path snapshot) throws IOException {
        try (var files = Files.list(snapshot)) {
            List<String> names = files.filter(Files::isRegularFile)
                    .map(f -> String.valueOf(f.getFileName()))
                    .toList();
            Selection.shards(snapshot.resolve(Selection.INDEX), names);
            return true;
        } catch (BadFileException e) {
            return false;
        }
    }
}
