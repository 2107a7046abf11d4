package dev.peft4j.core.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@DisabledOnOs(OS.WINDOWS)
class NativeFolderTest {
    @TempDir
    Path dir;

    private static String rights(Path folder) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(folder));
    }

    private Path with(String rights) throws IOException {
        Path folder = Files.createDirectory(dir.resolve(rights));
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString(rights));
        return folder;
    }

    @Test
    void a_new_folder_is_of_the_user_alone_with_all_above_it() throws IOException {
        Path folder = NativeFolder.open(dir.resolve("a/b"));
        assertEquals("rwx------", rights(folder));
        assertEquals("rwx------", rights(dir.resolve("a")));
        try (Stream<Path> content = Files.list(NativeFolder.open(folder))) {
            assertEquals(0, content.count());
        }
    }

    @Test
    void a_folder_that_others_can_read_is_private_enough_and_a_group_cannot_write() throws IOException {
        assertEquals("rwxr-xr-x", rights(NativeFolder.open(with("rwxr-xr-x"))));
        assertEquals("rwxr-xr-x", rights(NativeFolder.open(with("rwxrwxr-x"))));
    }

    @Test
    void a_folder_that_others_can_write_to_is_refused() throws IOException {
        Path folder = with("rwxrwxrwx");
        String message = String.valueOf(assertThrows(FileSystemException.class, () -> NativeFolder.open(folder))
                .getMessage());
        assertTrue(message.contains("nobody else can write to") && message.contains("rwxrwxrwx"), message);
    }

    @Test
    void a_link_to_a_folder_is_refused() throws IOException {
        Path link = Files.createSymbolicLink(dir.resolve("link"), with("rwx------"));
        assertThrows(FileSystemException.class, () -> NativeFolder.open(link));
    }
}
