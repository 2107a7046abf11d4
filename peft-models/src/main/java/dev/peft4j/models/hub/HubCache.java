package dev.peft4j.models.hub;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Places of a repository in the cache, as Python's {@code huggingface_hub} has them (<a
 * href="https://huggingface.co/docs/huggingface_hub/guides/manage-cache">its guide</a>): {@code models--org--name/} with {@code blobs/ID}, {@code
 * snapshots/COMMIT/FILE}, which is a link to a blob, and {@code refs/REVISION}, which holds a commit.
 *
 * @param config where the cache is
 * @param name of the repository
 */
record HubCache(HubConfig config, HubName name) {
    private static final String TAG = "CACHEDIR.TAG";
    private static final String TAG_TEXT =
            """
            Signature: 8a477f597d28d172789f06886806bc55
            # This file is a cache directory tag created by huggingface_hub.
            # For information about cache directory tags, see:
            #\thttps://bford.info/cachedir/
            """; // backups leave out such a directory
    private static final int MOST_OF_REF = 100; // bytes

    private Path storage() {
        return config.cache().resolve(name.folder());
    }

    Path blob(String id) {
        return storage().resolve("blobs").resolve(id);
    }

    /** Where a blob is written; Python writes to {@code ID.RANDOM.incomplete}, so that neither takes the other's for its own. */
    Path incomplete(String id) {
        return storage().resolve("blobs").resolve(id + ".peft4j.incomplete");
    }

    Path lock(String id) {
        return config.cache().resolve(".locks").resolve(name.folder()).resolve(id + ".lock");
    }

    Path snapshot(String commit) {
        return storage().resolve("snapshots").resolve(commit);
    }

    private Path ref() {
        return storage().resolve("refs").resolve(name.revision());
    }

    /** The commit that a revision was when it was last looked up, or null. */
    @Nullable
    String commit() throws IOException {
        if (name.isFixed()) {
            return name.revision();
        }
        if (!Files.isRegularFile(ref()) || Files.size(ref()) > MOST_OF_REF) {
            return null;
        }
        String text = new String(Files.readAllBytes(ref()), StandardCharsets.ISO_8859_1).strip();
        return HubName.isCommit(text) ? text : null;
    }

    /** Makes the directories of a commit. */
    void prepare(String commit) throws IOException {
        Files.createDirectories(storage().resolve("blobs"));
        Files.createDirectories(snapshot(commit));
        Path tag = config.cache().resolve(TAG);
        if (Files.notExists(tag)) {
            replace(tag, TAG_TEXT);
        }
    }

    /** Writes down which commit a revision is. */
    void remember(String commit) throws IOException {
        if (!name.isFixed() && !commit.equals(commit())) {
            Files.createDirectories(ref().getParent());
            replace(ref(), commit);
        }
    }

    /** Writes a file beside its place first, so that nobody reads a part of it. */
    private void replace(Path file, String text) throws IOException {
        Path temporary = storage().resolve("." + UUID.randomUUID() + ".tmp");
        try {
            Files.writeString(temporary, text);
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    /** Whether a snapshot has a file with all its bytes. */
    boolean shows(String commit, RemoteFile file) throws IOException {
        return hasSize(snapshot(commit).resolve(file.name()), file.size());
    }

    /** Whether there is a blob with all its bytes. */
    boolean has(RemoteFile file) throws IOException {
        return hasSize(blob(file.blob()), file.size());
    }

    private static boolean hasSize(Path path, long size) throws IOException {
        return Files.isRegularFile(path) && Files.size(path) == size;
    }

    /**
     * Shows a blob in a snapshot: by a link where there are links; else a new blob is moved there, and one that may be shown elsewhere is copied, as in Python.
     */
    void show(String commit, RemoteFile file, boolean isNew) throws IOException {
        Path place = snapshot(commit).resolve(file.name());
        Path directory = Objects.requireNonNull(place.getParent());
        Path blob = blob(file.blob());
        Files.createDirectories(directory);
        Files.deleteIfExists(place);
        if (config.links() && link(place, directory.relativize(blob))) {
            return;
        }
        Path whole = blob;
        if (!isNew) {
            whole = incomplete(file.blob());
            Files.copy(blob, whole, StandardCopyOption.REPLACE_EXISTING);
        }
        Files.move(whole, place, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** Windows lets not everybody make links, and some disks have none. */
    private static boolean link(Path place, Path target) {
        try {
            Files.createSymbolicLink(place, target);
            return true;
        } catch (FileAlreadyExistsException e) {
            return true; // another program has just made it
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }
}
