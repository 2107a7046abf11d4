package dev.peft4j.models.hub;

import dev.peft4j.core.error.StoppedException;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Writes a blob: to an incomplete file first, which a later call goes on with, and under its name when size and hash are right.
 *
 * @param client of the hub
 * @param cache where it goes
 * @param address of its bytes
 * @param file what they have to be
 * @param progress is told
 */
record BlobDownload(HubClient client, HubCache cache, URI address, RemoteFile file, DownloadProgress progress) {
    private static final long STEP = 1 << 20; // bytes between two calls of the progress
    private static final long ADVANCE = 1 << 16; // bytes that make an attempt one that was not for nothing

    /** Downloads it, whatever is there under its name. */
    void run() throws IOException {
        Path incomplete = cache.incomplete(file.blob());
        try (FileChannel channel = FileChannel.open(
                incomplete, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            requireRoom(channel.size());
            progress.at(file.name(), Math.min(channel.size(), file.size()), file.size());
            client.backoff().run(failures().asked(), () -> {
                attempt(channel);
                return file;
            });
            channel.force(true);
            if (!BlobHash.matches(channel, file.blob(), failures().asked())) {
                throw discard(
                        incomplete,
                        "the bytes of " + shown() + " are not those that the hub lists (their hash is another one than "
                                + file.blob() + ")");
            }
        } catch (WrongBytesException e) {
            throw discard(incomplete, e.problem);
        }
        try {
            Files.move(
                    incomplete,
                    cache.blob(file.blob()),
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
        } catch (NoSuchFileException e) {
            if (!cache.has(file)) { // else one that saw no lock was faster
                throw e;
            }
        }
    }

    private Failures failures() {
        return client.failures();
    }

    private String shown() {
        return HubException.shown(file.name());
    }

    /** Files that do not fit are refused before hours have gone into them. */
    private void requireRoom(long there) throws IOException {
        Path directory = cache.config().cache();
        long free = Files.getFileStore(directory).getUsableSpace();
        long needed = file.size() - there;
        if (free > 0 && needed > free) { // some network disks say 0
            throw failures()
                    .of(shown() + " needs " + needed + " bytes more, where " + directory + " has " + free
                            + " left. Make room, or set HF_HUB_CACHE to a larger disk.");
        }
    }

    private HubException discard(Path incomplete, String problem) throws IOException {
        Files.deleteIfExists(incomplete);
        return failures()
                .of(
                        problem
                                + ". They were thrown away. Try again; if it happens again, a proxy or the server changes files.");
    }

    /** Goes on where the file ends; to the end of it, or to where the connection breaks. */
    private void attempt(FileChannel channel) throws IOException {
        long before = channel.size();
        if (before > file.size()) { // of another program
            channel.truncate(0);
            before = 0;
        }
        if (before == file.size() && before > 0) {
            return;
        }
        try (Reply reply = client.get(address, before, file.name())) {
            long at = start(reply, before);
            try {
                at = copy(reply, channel, at);
            } catch (IOException e) {
                throw advanced(e, channel.size() - before);
            }
            if (at < file.size()) {
                throw advanced(
                        client.cut(
                                reply.uri(), "ended " + shown() + " at " + at + " of " + file.size() + " bytes", null),
                        channel.size() - before);
            }
        }
    }

    private static IOException advanced(IOException e, long bytes) {
        return e instanceof PassingException p && bytes >= ADVANCE ? p.advanced() : e;
    }

    /** The place of the first byte that comes. */
    private long start(Reply reply, long asked) throws IOException {
        long declared = reply.size("Content-Length");
        long at = 0;
        if (reply.status() == 416) {
            throw new WrongBytesException(
                    "the server has no more than " + asked + " bytes of " + shown() + ", which has " + file.size());
        }
        if (reply.status() == 206) {
            Optional<String> range = reply.header("Content-Range");
            String begin = "bytes " + asked + "-";
            if (range.isEmpty() || !range.get().startsWith(begin)) {
                throw new WrongBytesException("the server sends another part of " + shown() + " than was asked for");
            }
            at = asked;
        }
        if (declared >= 0 && declared > file.size() - at) {
            throw new WrongBytesException("the server sends " + declared + " bytes of " + shown() + ", of which only "
                    + (file.size() - at) + " are to come");
        }
        return at;
    }

    /** Writes what comes to its place, which is the same for all that write this file. */
    private long copy(Reply reply, FileChannel channel, long start) throws IOException {
        long at = start;
        long told = start;
        for (ByteBuffer bytes = next(reply); bytes != null; bytes = next(reply)) {
            if (bytes.remaining() > file.size() - at) {
                throw new WrongBytesException(
                        "the server sends more than the " + file.size() + " bytes that " + shown() + " has");
            }
            while (bytes.hasRemaining()) {
                at += channel.write(bytes, at);
            }
            if (at - told >= STEP || at == file.size()) {
                progress.at(file.name(), at, file.size());
                told = at;
            }
        }
        return at;
    }

    private @Nullable ByteBuffer next(Reply reply) throws IOException {
        try {
            return reply.body().next();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StoppedException(failures().asked());
        } catch (IOException e) {
            throw client.cut(reply, e);
        }
    }

    /** What no further attempt can mend. */
    private static final class WrongBytesException extends IOException {
        private static final long serialVersionUID = 1L;

        private final String problem;

        WrongBytesException(String problem) {
            super(problem);
            this.problem = problem;
        }
    }
}
