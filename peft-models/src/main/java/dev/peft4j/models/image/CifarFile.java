package dev.peft4j.models.image;

import dev.peft4j.core.error.BadFileException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The binary version of CIFAR (Krizhevsky 2009): records of one label of 10 classes, or two of 20 and of 100 of which the second is read, and (3, 32, 32) levels. Labels
 * are the numbers of the classes.
 */
final class CifarFile {
    private static final int EDGE = 32;
    private static final int PIXELS = 3 * EDGE * EDGE;

    private CifarFile() {}

    static List<ImageRecord> read(Path file) throws IOException {
        byte[] bytes = ByteFile.read(file);
        boolean ten = fits(bytes, 10);
        if (!ten && !fits(bytes, 20, 100)) {
            throw new BadFileException(file, problem(bytes));
        }
        int labels = ten ? 1 : 2;
        List<ImageRecord> records = new ArrayList<>();
        for (int at = 0; at < bytes.length; at += labels + PIXELS) {
            byte[] planes = Arrays.copyOfRange(bytes, at + labels, at + labels + PIXELS);
            records.add(ImageRecord.of(
                    new Picture(3, EDGE, EDGE, planes),
                    String.valueOf(bytes[at + labels - 1] & 0xff),
                    file + ", record " + (records.size() + 1)));
        }
        return records;
    }

    /** Whether a file has records with a label of each of these numbers of classes. */
    private static boolean fits(byte[] bytes, int... classes) {
        int record = classes.length + PIXELS;
        if (bytes.length == 0 || bytes.length % record != 0) {
            return false;
        }
        for (int at = 0; at < bytes.length; at += record) {
            for (int i = 0; i < classes.length; i++) {
                if ((bytes[at + i] & 0xff) >= classes[i]) {
                    return false;
                }
            }
        }
        return true;
    }

    private static String problem(byte[] bytes) {
        boolean counts = bytes.length > 0 && (bytes.length % (1 + PIXELS) == 0 || bytes.length % (2 + PIXELS) == 0);
        return "records of CIFAR-10 (" + (1 + PIXELS) + " bytes) or CIFAR-100 (" + (2 + PIXELS)
                + ") were expected, and it has " + bytes.length + " bytes unpacked"
                + (counts
                        ? ", with labels beyond the 10, or 20 and 100, classes."
                        : ", which is a multiple of neither.")
                + " Get the file again.";
    }
}
