package dev.peft4j.core.adapter;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.format.LockedFile;
import dev.peft4j.core.format.Problems;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Keeps a directory for one run: others that ask for it meanwhile, in this process or another, are refused. The system ends it with the process, so a
 * killed run leaves nothing that has to be cleaned up.
 */
public final class RunLock implements AutoCloseable {
    static final String FILE = ".lock";

    private final LockedFile file;
    private final boolean madeDirectory;

    private RunLock(LockedFile file, boolean madeDirectory) {
        this.file = file;
        this.madeDirectory = madeDirectory;
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
        LockedFile file = LockedFile.take(directory.resolve(FILE));
        if (file == null) {
            throw new BadFileException(
                    directory,
                    "a run was to write here, and another one is doing so now. Wait until it has ended, or choose another directory.");
        }
        return new RunLock(file, missing);
    }

    /** Whether the run before was killed: it has left its lock. */
    public boolean wasLeft() {
        return file.wasThere();
    }

    @Override
    public void close() throws IOException {
        try (file) {
            Files.deleteIfExists(file.path());
        }
        if (madeDirectory) {
            try {
                Files.deleteIfExists(file.path().getParent());
            } catch (DirectoryNotEmptyException e) {
                return; // the run has written something
            }
        }
    }
}
