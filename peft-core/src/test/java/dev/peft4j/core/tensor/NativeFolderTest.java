package dev.peft4j.core.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Folders of natives. Where a file system has no rights, as on Windows, every folder of the user is taken. */
class NativeFolderTest {
    private static final String NO_RIGHTS = "none";

    @TempDir
    Path dir;

    private boolean hasRights() {
        return Files.getFileAttributeView(dir, PosixFileAttributeView.class) != null;
    }

    private String rights(Path folder) throws IOException {
        return hasRights() ? PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)) : NO_RIGHTS;
    }

    private void assertRights(String expected, Path folder) throws IOException {
        assertTrue(Files.isDirectory(folder));
        assertEquals(hasRights() ? expected : NO_RIGHTS, rights(folder));
    }

    private Path with(String rights) throws IOException {
        Path folder = Files.createDirectory(dir.resolve(rights));
        if (hasRights()) {
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString(rights));
        }
        return folder;
    }

    @Test
    void a_new_folder_is_of_the_user_alone_with_all_above_it() throws IOException {
        Path folder = NativeFolder.open(dir.resolve("a/b"));
        assertRights("rwx------", folder);
        assertRights("rwx------", dir.resolve("a"));
        try (Stream<Path> content = Files.list(NativeFolder.open(folder))) {
            assertEquals(0, content.count());
        }
    }

    @Test
    void a_folder_that_others_can_read_is_private_enough_and_a_group_cannot_write() throws IOException {
        assertRights("rwxr-xr-x", NativeFolder.open(with("rwxr-xr-x")));
        assertRights("rwxr-xr-x", NativeFolder.open(with("rwxrwxr-x")));
    }

    @Test
    void a_folder_that_others_can_write_to_is_refused() throws IOException {
        Path folder = with("rwxrwxrwx");
        if (!hasRights()) {
            assertEquals(folder, NativeFolder.open(folder));
            return;
        }
        String message = String.valueOf(assertThrows(FileSystemException.class, () -> NativeFolder.open(folder))
                .getMessage());
        assertTrue(message.contains("nobody else can write to") && message.contains("rwxrwxrwx"), message);
    }

    @Test
    void what_is_no_folder_is_refused() throws IOException {
        Path file = Files.createFile(dir.resolve("file"));
        assertThrows(FileSystemException.class, () -> NativeFolder.open(file));
    }

    @Test
    void a_link_to_a_folder_is_refused() throws IOException {
        if (hasRights()) { // others need a privilege to make links
            Path link = Files.createSymbolicLink(dir.resolve("link"), with("rwx------"));
            assertThrows(FileSystemException.class, () -> NativeFolder.open(link));
        } else {
            assertEquals(dir, NativeFolder.open(dir));
        }
    }
}
