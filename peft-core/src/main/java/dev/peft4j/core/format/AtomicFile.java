package dev.peft4j.core.format;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.StoppedException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Files that appear under their names only when they are complete and on the disk; until then older files of these names stay.
 *
 * <p>Each is written to one temporary name beside it, {@code .NAME.tmp}, which the next write uses again if this one is killed. Of several files all
 * temporary ones are complete before the first is renamed, so what is missing after a kill is still there: see {@link #pending}.
 */
public final class AtomicFile {
    private AtomicFile() {}

    /** The content of a file. */
    @FunctionalInterface
    public interface Content {
        /** Writes everything to the channel; done again from the start if the thread was interrupted meanwhile. */
        void writeTo(FileChannel channel) throws IOException;
    }

    /** Where a file is written before it gets its name. */
    public static Path pending(Path file) {
        return file.resolveSibling("." + file.getFileName() + ".tmp");
    }

    /** Whether a file name is that of what a write left behind that was killed; older versions put digits into it. */
    public static boolean isLeftOver(String name, String target) {
        return name.startsWith("." + target)
                && name.endsWith(".tmp")
                && name.substring(target.length() + 1, name.length() - ".tmp".length())
                        .chars()
                        .allMatch(Character::isDigit);
    }

    /**
     * Writes a file.
     *
     * @throws IOException if writing fails, as on a full disk; an older file is untouched then
     */
    public static void write(Path path, Content content) throws IOException {
        Path directory = path.toAbsolutePath().normalize().getParent();
        Path name = path.getFileName();
        if (directory == null || name == null) {
            throw new IOException(
                    path + ": a file was to be written here, and this is a directory. Give the name of a file.");
        }
        writeAll(directory, Map.of(name.toString(), content));
    }

    /** Writes a text in UTF-8. */
    public static void write(Path path, String text) throws IOException {
        write(path, text(text));
    }

    /** A text in UTF-8. */
    public static Content text(String text) {
        return channel -> {
            ByteBuffer bytes = StandardCharsets.UTF_8.encode(text);
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        };
    }

    /**
     * Writes several files of a directory, which is made if it is missing; they get their names one after the other, in the order of the map. An
     * interrupt does not stop it, and is there afterwards.
     *
     * @throws IOException if writing fails; all older files are untouched then, unless the disk fails between the renames
     */
    public static void writeAll(Path directory, Map<String, Content> files) throws IOException {
        boolean interrupted = Thread.interrupted();
        try {
            while (!tryWriteAll(directory, files)) {
                interrupted |= Thread.interrupted(); // an interrupt closes channels
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static boolean tryWriteAll(Path directory, Map<String, Content> files) throws IOException {
        Map<Path, Path> targets = new LinkedHashMap<>(); // by their temporary files
        List<LockedFile> open = new ArrayList<>(); // until all files have their names
        boolean isDone = false;
        try {
            Files.createDirectories(directory);
            for (Map.Entry<String, Content> file : files.entrySet()) {
                Path target = directory.resolve(file.getKey());
                LockedFile own = take(target);
                open.add(own);
                targets.put(pending(target), target);
                own.channel().truncate(0);
                file.getValue().writeTo(own.channel());
                own.channel().force(true);
            }
            for (Map.Entry<Path, Path> e : targets.entrySet()) {
                Files.move(
                        e.getKey(), e.getValue(), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            }
            isDone = true;
            sync(directory);
            return true;
        } catch (ClosedByInterruptException e) {
            return false;
        } catch (StoppedException e) { // of what reads another file meanwhile
            if (!Thread.currentThread().isInterrupted()) {
                throw e;
            }
            return false;
        } catch (BadFileException e) { // of that file, or another one writes here
            throw e;
        } catch (IOException e) {
            throw new IOException(failure(directory, files, e), e);
        } finally {
            close(open, !isDone);
        }
    }

    /** Closes files, also if one of them fails. Those that have not got their names are removed; what fails then does not hide why they have none. */
    private static void close(List<LockedFile> files, boolean removes) throws IOException {
        IOException failed = null;
        for (LockedFile file : files) {
            try (file) {
                if (removes) {
                    Files.deleteIfExists(file.path());
                }
            } catch (IOException e) {
                failed = failed == null ? e : failed;
            }
        }
        if (failed != null && !removes) {
            throw failed;
        }
    }

    private static String failure(Path directory, Map<String, Content> files, IOException e) {
        return directory + ": " + String.join(", ", files.keySet()) + " could not be written (" + Problems.of(e) + "), "
                + directory.toFile().getUsableSpace()
                + " bytes are free there. Nothing was changed; make room or choose another directory.";
    }

    /** Two writers of one file would mix their bytes. */
    private static LockedFile take(Path target) throws IOException {
        LockedFile own = LockedFile.take(pending(target));
        if (own == null) {
            throw new BadFileException(
                    target,
                    "was to be written, and another thread or process is writing it now. Wait until it has ended, or choose another directory.");
        }
        return own;
    }

    /** Has the names of files on the disk too, where the system can. */
    private static void sync(Path directory) throws IOException {
        if (directory.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
                channel.force(true);
            }
        }
    }
}
