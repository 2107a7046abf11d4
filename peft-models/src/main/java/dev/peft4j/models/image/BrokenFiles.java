package dev.peft4j.models.image;

import dev.peft4j.core.error.BadFileException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Files of a data set whose headers are none of images: they are left out, and told once. */
final class BrokenFiles {
    private static final Logger LOG = LoggerFactory.getLogger(BrokenFiles.class);
    private static final int SHOWN = 5;

    private final Path from;
    private final List<Path> broken = new ArrayList<>();
    private int all;
    private @Nullable BadFileException first;

    BrokenFiles(Path from) {
        this.from = from;
    }

    /** What makes a record of a file. */
    @FunctionalInterface
    interface Reading {
        ImageRecord read() throws IOException;
    }

    /** Adds the record of a file, if it is an image. */
    boolean add(Path file, Reading reading, List<ImageRecord> records) throws IOException {
        all++;
        try {
            return records.add(reading.read());
        } catch (BadFileException e) {
            first = first == null ? e : first;
            broken.add(file);
            return false;
        }
    }

    /**
     * Warns of what was left out.
     *
     * @throws BadFileException if nothing was left
     */
    void tell() throws BadFileException {
        if (first == null) {
            return;
        }
        String names = String.join(
                ", ", broken.stream().limit(SHOWN).map(Path::toString).toList());
        String told = broken.size() + " of " + all + " files that cannot be read: " + names
                + (broken.size() > SHOWN ? ", ..." : "");
        if (broken.size() == all) {
            throw new BadFileException(
                    from, "images were expected, and it has " + told + ". The first: " + first.getMessage(), first);
        }
        LOG.warn("{}: skipped {}. The first: {}", from, told, first.getMessage());
    }
}
