package dev.peft4j.core.tensor;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.EnumSet;
import java.util.Set;

/**
 * Folders that libraries are unpacked into and loaded from. Whoever can write to one can run code in this process, so they belong to its user and
 * nobody else can write to them. Where there are no such rights, as on Windows, folders of the user are private anyway.
 */
public final class NativeFolder {
    private static final String PRIVATE = "rwx------";

    private NativeFolder() {}

    /**
     * Makes a folder that only this user can enter, or makes sure that nobody else can write to the one that is there.
     *
     * @throws IOException if it cannot be made, or is not private
     */
    public static Path open(Path folder) throws IOException {
        if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
            Path parent = folder.toAbsolutePath().getParent();
            if (parent != null && !Files.exists(parent)) {
                open(parent);
            }
            try {
                create(folder);
            } catch (FileAlreadyExistsException e) {
                requirePrivate(folder); // of another thread or process, just now
                return folder;
            }
        }
        requirePrivate(folder);
        return folder;
    }

    private static void create(Path folder) throws IOException {
        if (Files.getFileAttributeView(folder.toAbsolutePath().getRoot(), PosixFileAttributeView.class) == null) {
            Files.createDirectory(folder);
        } else {
            Files.createDirectory(
                    folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(PRIVATE)));
        }
    }

    /**
     * Makes sure that a folder belongs to the user of this process and that nobody else can write to it.
     *
     * @throws IOException if not
     */
    public static void requirePrivate(Path folder) throws IOException {
        if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
            throw new FileSystemException(
                    folder.toString(), null, "a library was to be loaded from a folder here, and this is none");
        }
        PosixFileAttributeView view =
                Files.getFileAttributeView(folder, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
        if (view == null) {
            return;
        }
        PosixFileAttributes found = view.readAttributes();
        Set<PosixFilePermission> rights = found.permissions();
        UserPrincipal me = user(folder);
        if (!found.owner().equals(me) || rights.contains(PosixFilePermission.OTHERS_WRITE)) {
            throw new FileSystemException(
                    folder.toString(),
                    null,
                    "a library was to be loaded from here, so the folder has to be one of the user " + me.getName()
                            + " that nobody else can write to; it belongs to "
                            + found.owner().getName()
                            + " and has the rights " + PosixFilePermissions.toString(rights));
        }
        if (rights.contains(PosixFilePermission.GROUP_WRITE)) { // as a usual umask makes it
            Set<PosixFilePermission> fewer = EnumSet.copyOf(rights);
            fewer.remove(PosixFilePermission.GROUP_WRITE);
            view.setPermissions(fewer);
        }
    }

    /** The user that new files belong to. */
    private static UserPrincipal user(Path folder) throws IOException {
        Path probe = Files.createTempFile(folder, ".owner", null);
        try {
            return Files.getOwner(probe);
        } finally {
            Files.delete(probe);
        }
    }
}
