package dev.peft4j.models.image;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.format.Problems;
import dev.peft4j.models.data.BoundedGzip;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.ZipException;

/** A file of plain bytes; gzip is unpacked, whatever the name says. Memory grows with what is read, not with what a header promises. */
final class ByteFile {
    private ByteFile() {}

    static byte[] read(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new BadFileException(
                    file,
                    "a file of images or labels was expected here and there is "
                            + (Files.isDirectory(file) ? "a directory" : "none") + ". Check the path.");
        }
        try (InputStream raw = new BufferedInputStream(Files.newInputStream(file))) {
            raw.mark(2);
            boolean packed = raw.read() == 0x1f && raw.read() == 0x8b;
            raw.reset();
            return packed ? new BoundedGzip(file, raw, Files.size(file)).readAllBytes() : raw.readAllBytes();
        } catch (ZipException | EOFException e) {
            String problem = e.getMessage() == null ? "it ends where more was expected" : e.getMessage();
            throw new BadFileException(
                    file, "a packed file was expected, and this one is damaged: " + problem + ". Get it again.", e);
        } catch (FileSystemException e) {
            throw new BadFileException(
                    file, "a data file was to be read: " + Problems.of(e) + ". Check the path and its rights.", e);
        } catch (OutOfMemoryError e) { // of one large array: the rest of the process has what it had
            throw new BadFileException(
                    file, "was to be read, and it is larger than the memory that Java may use. Split it.", e);
        }
    }
}
