package dev.peft4j.models.hub;

import dev.peft4j.core.error.StoppedException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets one thread of one process download a blob; the others wait, and find it. It saves work and nothing depends on it: two that write one blob write the same
 * bytes to the same places, and it gets its name when they have been checked. So where the system has no locks, it goes on without.
 *
 * <p>Java locks ranges of a file (fcntl) and Python the file (flock); on Linux and macOS these do not see each other, on Windows they do. Python writes to a file
 * of its own.
 */
final class CacheLock {
    private static final Logger LOG = LoggerFactory.getLogger(CacheLock.class);
    private static final int POLL = 50; // milliseconds

    private CacheLock() {}

    /** What is done under the lock. */
    interface Work {
        /** Does it. */
        void run() throws IOException;
    }

    /**
     * Waits until it has the lock, and does something.
     *
     * @param what is asked, for who interrupts it
     */
    static void hold(Path file, String what, Work work) throws IOException {
        StoppedException.ifInterrupted(what);
        Files.createDirectories(file.getParent());
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            waitFor(channel, file, what);
            work.run();
        }
    }

    private static void waitFor(FileChannel channel, Path file, String what) {
        try {
            // The channel stays open meanwhile: closing it would give back the lock of another thread (POSIX).
            for (boolean first = true; !tryLock(channel, file, what); first = false) {
                if (first) {
                    LOG.info("{}, and another thread or process is downloading a file of it; waiting for it", what);
                }
                TimeUnit.MILLISECONDS.sleep(POLL);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StoppedException(what);
        }
    }

    private static boolean tryLock(FileChannel channel, Path file, String what) {
        try {
            return channel.tryLock() != null;
        } catch (OverlappingFileLockException e) {
            return false; // another thread of this process has it
        } catch (IOException e) {
            StoppedException.ifInterrupted(what);
            LOG.debug("{} cannot be locked: {}", file, e.toString());
            return true;
        }
    }
}
