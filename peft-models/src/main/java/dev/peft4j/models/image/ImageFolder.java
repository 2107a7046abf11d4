package dev.peft4j.models.image;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.StoppedException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A folder with a folder for each class, whose name is the label; images lie in it or deeper. Names that begin with a dot, and files that are not named as images, are left out. */
final class ImageFolder {
    private static final Set<String> PARTS = Set.of("train", "test", "val", "valid", "validation", "dev", "eval");

    private static final Logger LOG = LoggerFactory.getLogger(ImageFolder.class);
    private static final int SHOWN = 5;

    private ImageFolder() {}

    /**
     * The records, one of each class in turn, so that the first ones are of all classes.
     *
     * @param most records
     */
    static List<ImageRecord> read(Path root, int most) throws IOException {
        List<Path> classes = classes(root);
        Set<String> endings = Stream.concat(
                        Stream.of("png", "jpg", "jpeg"), Arrays.stream(ImageIO.getReaderFileSuffixes()))
                .filter(e -> !e.isEmpty())
                .map(e -> "." + e.toLowerCase(Locale.ROOT))
                .collect(Collectors.toSet());
        BrokenFiles broken = new BrokenFiles(root);
        List<Path> others = new ArrayList<>(); // that are not named as images
        List<Deque<Path>> files = new ArrayList<>();
        for (Path directory : classes) {
            files.add(new ArrayDeque<>(images(directory, endings, others)));
        }
        List<ImageRecord> records = new ArrayList<>();
        Set<Path> found = new HashSet<>(); // classes that have images
        while (records.size() < most && files.stream().anyMatch(left -> !left.isEmpty())) {
            for (int c = 0; c < files.size() && records.size() < most; c++) {
                Path file = files.get(c).poll();
                String label = classes.get(c).getFileName().toString();
                StoppedException.ifInterrupted(() -> root + " was to be read");
                if (file != null && broken.add(file, () -> ImageRecord.of(file, label), records)) {
                    found.add(classes.get(c));
                }
            }
        }
        List<Path> empty = most < classes.size()
                ? List.of()
                : classes.stream().filter(c -> !found.contains(c)).toList();
        if (empty.size() == classes.size()) {
            broken.tell();
        }
        if (!empty.isEmpty()) {
            throw new BadFileException(
                    empty.get(0),
                    "images of the class " + empty.get(0).getFileName()
                            + " were expected, and there is none that can be read (" + new TreeSet<>(endings)
                            + "). Add some, or remove the folder.");
        }
        broken.tell();
        tellOthers(root, others);
        return records;
    }

    private static void tellOthers(Path root, List<Path> others) {
        if (!others.isEmpty()) {
            LOG.warn(
                    "{}: {} files are left out, whose names do not end as those of images do: {}{}",
                    root,
                    others.size(),
                    others.subList(0, Math.min(SHOWN, others.size())),
                    others.size() > SHOWN ? " and more" : "");
        }
    }

    /** The folders of the classes, sorted. */
    private static List<Path> classes(Path root) throws IOException {
        List<Path> classes = listed(root).filter(Files::isDirectory).toList();
        if (classes.size() < 2) {
            throw new BadFileException(
                    root,
                    "a folder for each class was expected, at least two, and there "
                            + (classes.isEmpty()
                                    ? "is none"
                                    : "is one: " + classes.get(0).getFileName())
                            + ". Put the images of each class into a folder with its name, or give a table that names them.");
        }
        if (classes.stream()
                .allMatch(c -> PARTS.contains(c.getFileName().toString().toLowerCase(Locale.ROOT)))) {
            throw new BadFileException(
                    root,
                    "a folder for each class was expected, and the folders are "
                            + classes.stream()
                                    .map(c -> c.getFileName().toString())
                                    .toList()
                            + ", which are parts of a data set. Give one of these.");
        }
        return classes;
    }

    private static Stream<Path> listed(Path directory) throws IOException {
        try (Stream<Path> all = Files.list(directory)) {
            return all
                    .filter(p -> !p.getFileName().toString().startsWith("."))
                    .sorted(Comparator.comparing(p -> p.getFileName().toString()))
                    .toList()
                    .stream();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private static List<Path> images(Path directory, Set<String> endings, List<Path> others) throws IOException {
        List<Path> images = new ArrayList<>();
        for (Path p : listed(directory).toList()) {
            String name = p.getFileName().toString().toLowerCase(Locale.ROOT);
            if (Files.isDirectory(p) && !Files.isSymbolicLink(p)) {
                images.addAll(images(p, endings, others));
            } else if (Files.isRegularFile(p)) {
                boolean named = endings.contains(name.substring(Math.max(0, name.lastIndexOf('.'))));
                (named ? images : others).add(p);
            }
        }
        return images;
    }
}
