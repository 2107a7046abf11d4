package dev.peft4j.cli;

import dev.peft4j.models.hub.HubPath;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where a model or adapter is: a directory, or a repository of the hub, {@code hub:org/name@revision}, which is downloaded into the cache that Python has too.
 * That is done when the directory is first asked for, so that what is wrong with the other options is told before.
 */
final class Place {
    private final String text;
    private @Nullable Path directory;

    Place(String text) {
        this.text = text;
    }

    /**
     * The directory, downloaded once.
     *
     * @throws IOException as {@link HubPath#of(String)}
     */
    Path directory() throws IOException {
        Path found = directory;
        if (found == null) {
            found = HubPath.of(text);
            directory = found;
        }
        return found;
    }

    /** The directories of several, in their order. */
    static List<Path> directories(List<Place> places) throws IOException {
        List<Path> all = new ArrayList<>();
        for (Place place : places) {
            all.add(place.directory());
        }
        return all;
    }

    /** As it was given. */
    @Override
    public String toString() {
        return text;
    }
}
