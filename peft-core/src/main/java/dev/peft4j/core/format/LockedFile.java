package dev.peft4j.core.format;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
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
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * A file that one owner has, of all threads and processes, until it is closed; the system gives it back when the process ends.
 *
 * <p>A system's lock is on what was opened, not on its name, and goes when any channel of the process to that file is closed. So a file that the process
 * has already is not opened a second time, and one whose name stands for another file by the time that it is locked is opened anew. What the system knows a
 * file by does not tell that: it may be that of one that was removed before.
 */
public final class LockedFile implements AutoCloseable {
    private static final int ATTEMPTS = 100; // each fails only because another owner has just ended
    private static final int LONGEST = 1 << 16; // bytes that a file is made longer by for a moment

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
     * Takes a file, which is made if it is missing. An interrupt does not stop it, and is there afterwards.
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
        Attempt attempt = Attempt.AGAIN;
        boolean isOurs = false;
        boolean interrupted = Thread.interrupted();
        try {
            for (int i = 0; i < ATTEMPTS && attempt.again; i++) {
                isOurs |= make(real);
                try {
                    attempt = attempt(real, !isOurs);
                } catch (NoSuchFileException e) {
                    Thread.onSpinWait(); // its owner has just ended: once more
                } catch (ClosedByInterruptException e) {
                    interrupted |= Thread.interrupted();
                }
            }
            return attempt.file;
        } finally {
            if (attempt.file == null) {
                TAKEN.remove(real);
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /**
     * What came of an attempt.
     *
     * @param file null if there is none
     * @param again whether that is because its owner has just ended
     */
    private record Attempt(@Nullable LockedFile file, boolean again) {
        static final Attempt REFUSED = new Attempt(null, false);
        static final Attempt AGAIN = new Attempt(null, true);
    }

    private static Attempt attempt(Path real, boolean wasThere) throws IOException {
        Object identity = identity(real);
        if (!TAKEN.add(identity)) {
            return Attempt.REFUSED;
        }
        LockedFile taken = null;
        FileChannel channel = null;
        try {
            channel = locked(real);
            if (channel == null) {
                return Attempt.REFUSED;
            }
            if (isNamed(channel, real) && identity.equals(identity(real))) {
                taken = new LockedFile(real, identity, channel, wasThere);
                return new Attempt(taken, false);
            }
            return Attempt.AGAIN;
        } finally {
            if (taken == null) {
                TAKEN.remove(identity);
                if (channel != null) {
                    channel.close();
                }
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

    /** Whether a name stands for an open file: if so, it grows with that. The file is afterwards as it was. */
    private static boolean isNamed(FileChannel channel, Path file) throws IOException {
        long size = channel.size();
        boolean isNamed = true;
        for (int i = 0; i < 2 && isNamed; i++) {
            long longer = channel.size() + ThreadLocalRandom.current().nextInt(1, LONGEST);
            channel.write(ByteBuffer.allocate(1), longer - 1);
            isNamed = Files.size(file) == longer;
        }
        channel.truncate(size);
        return isNamed;
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
