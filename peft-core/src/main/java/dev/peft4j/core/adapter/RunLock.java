package dev.peft4j.core.adapter;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.format.Problems;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a directory for one run: others that ask for it meanwhile, in this process or another, are refused. The system ends it with the process, so a
 * killed run leaves nothing that has to be cleaned up.
 */
public final class RunLock implements AutoCloseable {
    static final String FILE = ".lock";

    /** Those of this process: closing a second channel of a file would give back the lock of the first one. */
    private static final Set<Path> TAKEN = ConcurrentHashMap.newKeySet();

    private final Path file;
    private final FileChannel channel;
    private final boolean madeDirectory;
    private final boolean wasLeft;

    private RunLock(Path file, FileChannel channel, boolean madeDirectory, boolean wasLeft) {
        this.file = file;
        this.channel = channel;
        this.madeDirectory = madeDirectory;
        this.wasLeft = wasLeft;
    }

    /**
     * Takes a directory, which is made if it is missing, until the lock is closed.
     *
     * @throws BadFileException if another run has it, or it cannot be written to
     */
    public static RunLock take(Path directory) throws IOException {
        try {
            return tryTake(directory);
        } catch (FileSystemException e) {
            throw new BadFileException(
                    directory,
                    "a run was to write here: " + Problems.of(e) + ". Choose a directory that can be written to.",
                    e);
        }
    }

    private static RunLock tryTake(Path directory) throws IOException {
        boolean missing = !Files.exists(directory);
        Files.createDirectories(directory);
        Path file = directory.toRealPath().resolve(FILE);
        if (TAKEN.add(file)) {
            RunLock lock = null;
            try {
                lock = open(file, missing);
            } finally {
                if (lock == null) {
                    TAKEN.remove(file);
                }
            }
            if (lock != null) {
                return lock;
            }
        }
        throw new BadFileException(
                directory,
                "a run was to write here, and another one is doing so now. Wait until it has ended, or choose another directory.");
    }

    /** The lock, or null if another process has it. */
    private static @Nullable RunLock open(Path file, boolean missing) throws IOException {
        boolean wasThere = Files.exists(file);
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            if (channel.tryLock() != null && Files.exists(file)) { // else the run before has just ended, and removed it
                return new RunLock(file, channel, missing, wasThere);
            }
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
        channel.close();
        return null;
    }

    /** Whether the run before was killed: it has left its lock. */
    public boolean wasLeft() {
        return wasLeft;
    }

    @Override
    public void close() throws IOException {
        try (channel) {
            Files.deleteIfExists(file);
        } finally {
            TAKEN.remove(file);
        }
        if (madeDirectory) {
            try {
                Files.deleteIfExists(file.toAbsolutePath().getParent());
            } catch (DirectoryNotEmptyException e) {
                return; // the run has written something
            }
        }
    }
}
