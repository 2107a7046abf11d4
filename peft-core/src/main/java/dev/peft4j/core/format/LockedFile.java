package dev.peft4j.core.format;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A file that one owner has, of all threads and processes, until it is closed; the system gives it back when the process ends.
 *
 * <p>A system's lock is on what was opened, not on its name, and goes when any channel of the process to that file is closed. So a file that the process
 * has already is not opened a second time, and one whose name stands for another file by the time that it is locked is opened anew.
 */
public final class LockedFile implements AutoCloseable {
    private static final int ATTEMPTS = 100; // each fails only because another owner has just ended

    /** Of this process: each file by its name, and by what the system knows it by, for it may have several names. */
    private static final Set<Object> TAKEN = ConcurrentHashMap.newKeySet();

    private final Path file;
    private final Object identity;
    private final FileChannel channel;
    private final boolean wasThere;

    private LockedFile(Path file, Object identity, FileChannel channel, boolean wasThere) {
        this.file = file;
        this.identity = identity;
        this.channel = channel;
        this.wasThere = wasThere;
    }

    /**
     * Takes a file, which is made if it is missing.
     *
     * @param file in a directory that is there
     * @return null if another thread or process has it
     */
    public static @Nullable LockedFile take(Path file) throws IOException {
        Path directory = file.toAbsolutePath().normalize().getParent();
        Path real = directory == null ? file : directory.toRealPath().resolve(file.getFileName());
        if (!TAKEN.add(real)) {
            return null;
        }
        LockedFile taken = null;
        try {
            for (int i = 0; i < ATTEMPTS && taken == null; i++) {
                boolean wasThere = !make(real);
                Object identity = identity(real);
                if (!TAKEN.add(identity)) {
                    return null;
                }
                try {
                    FileChannel channel = locked(real);
                    if (channel == null) {
                        return null;
                    }
                    if (identity.equals(identity(real))) {
                        taken = new LockedFile(real, identity, channel, wasThere);
                    } else {
                        channel.close();
                    }
                } catch (NoSuchFileException e) {
                    Thread.onSpinWait(); // its owner has just ended: once more
                } finally {
                    if (taken == null) {
                        TAKEN.remove(identity);
                    }
                }
            }
            return taken;
        } finally {
            if (taken == null) {
                TAKEN.remove(real);
            }
        }
    }

    /** The file with a lock, or null if another process has that. */
    private static @Nullable FileChannel locked(Path file) throws IOException {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
        boolean isLocked = false;
        try {
            isLocked = channel.tryLock() != null;
        } catch (OverlappingFileLockException e) { // this library, loaded a second time in the process
            isLocked = false;
        } finally {
            if (!isLocked) {
                channel.close();
            }
        }
        return isLocked ? channel : null;
    }

    private static boolean make(Path file) throws IOException {
        try {
            Files.createFile(file);
            return true;
        } catch (FileAlreadyExistsException e) {
            return false;
        }
    }

    /** Equal to itself later if the name stands for the same file then. */
    private static Object identity(Path file) throws IOException {
        try {
            Object key = Files.readAttributes(file, BasicFileAttributes.class).fileKey();
            return key == null ? file.toString() : key; // systems without keys do not let an open file be replaced
        } catch (NoSuchFileException e) {
            return new Object();
        }
    }

    /** To write it by; belongs to this object. */
    public FileChannel channel() {
        return channel;
    }

    /** Where it is. */
    public Path path() {
        return file;
    }

    /** Whether the file was there before. */
    public boolean wasThere() {
        return wasThere;
    }

    @Override
    public void close() throws IOException {
        try {
            channel.close();
        } finally {
            TAKEN.remove(identity);
            TAKEN.remove(file);
        }
    }
}
