package dev.peft4j.models.hub;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.StoppedException;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Finds a model or adapter by a text that names a directory, or a repository of a hub as {@link HubName} reads it. */
public final class HubPath {
    private static final Logger LOG = LoggerFactory.getLogger(HubPath.class);
    private static final long STEP = 64L << 20; // bytes between two lines

    private HubPath() {}

    /**
     * A directory as it is; a repository is downloaded from the hub that the environment names ({@link Hub#fromEnvironment}), with progress in the log.
     *
     * @param place a path, or {@code hub:org/name} or {@code hub:org/name@revision}
     * @return a directory; that of a repository is in the cache and not to be changed
     * @throws HubException as {@link Hub#download}
     * @throws IOException if the file of the token cannot be read
     * @throws BadInputException if the text is neither, or a variable has a value that cannot be used
     * @throws StoppedException if the thread is interrupted meanwhile; what has come is kept
     */
    public static Path of(String place) throws IOException {
        return HubName.isHub(place) ? of(place, Hub.fromEnvironment()) : path(place);
    }

    /**
     * The same with a hub of the application.
     *
     * @throws HubException as {@link Hub#download}
     * @throws BadInputException if the text is neither
     * @throws StoppedException if the thread is interrupted meanwhile; what has come is kept
     */
    public static Path of(String place, Hub hub) throws IOException {
        return HubName.isHub(place) ? hub.download(HubName.parse(place), new Lines()) : path(place);
    }

    private static Path path(String place) {
        try {
            return Path.of(place);
        } catch (InvalidPathException e) {
            throw new BadInputException(
                    "a model or adapter was asked for, and \"" + HubException.shown(place)
                            + "\" cannot be the path of a directory. Give one, or hub:org/name.",
                    e);
        }
    }

    /** Progress as lines of the log: one for each file when it is there, and some of a large one on the way. */
    private static final class Lines implements DownloadProgress {
        private String file = "";
        private long next;

        @Override
        public void at(String name, long done, long size) {
            if (!name.equals(file)) {
                file = name;
                next = STEP;
            }
            if (done == size || done >= next) {
                next = done + STEP;
                LOG.info("{}: {} of {} MB", name, done >> 20, size >> 20);
            }
        }
    }
}
