package dev.peft4j.core.format;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LockedFileTest {
    private static final int TIMES = 5000;

    @TempDir
    Path dir;

    @Test
    void a_second_owner_is_refused_and_does_not_give_back_what_the_first_has() throws Exception {
        try (LockedFile first = LockedFile.take(dir.resolve("a"))) {
            assertNotNull(first);
            assertNull(LockedFile.take(dir.resolve("../" + dir.getFileName() + "/a")));
            assertEquals(0, ended(process(dir, 1)), "another process has had the file meanwhile");
        }
        assertEquals(1, ended(process(dir, 1)));
    }

    @Test
    void a_file_of_two_names_has_one_owner() throws Exception {
        Files.createFile(dir.resolve("a"));
        Files.createLink(dir.resolve("b"), dir.resolve("a"));
        try (LockedFile first = LockedFile.take(dir.resolve("b"))) {
            assertNotNull(first);
            assertNull(LockedFile.take(dir.resolve("a")));
            assertEquals(0, ended(process(dir, 1)), "another process has had the file meanwhile");
        }
    }

    @Test
    void a_file_that_was_left_is_told_from_a_new_one() throws IOException {
        for (boolean isLeft : new boolean[] {false, true}) {
            try (LockedFile file = LockedFile.take(dir.resolve("a"))) {
                assertEquals(isLeft, file != null && file.wasThere());
            }
        }
    }

    @Test
    void an_interrupt_waits_and_content_stays() throws IOException {
        Path file = dir.resolve("a");
        Files.writeString(file, "content");
        Thread.currentThread().interrupt();
        LockedFile taken = LockedFile.take(file);
        assertTrue(Thread.interrupted());
        assertNotNull(taken);
        taken.close();
        assertEquals("content", Files.readString(file));
    }

    /** Each owner removes the file at its end, so others lock what no longer has the name. */
    @Test
    void processes_that_remove_the_file_are_never_owners_at_the_same_time() throws Exception {
        List<Process> others = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            others.add(process(dir, TIMES));
        }
        int owners = 0;
        for (Process other : others) {
            owners += ended(other);
        }
        assertTrue(owners > 0);
        assertEquals(owners, Integer.parseInt(Files.readString(dir.resolve("count"))));
    }

    private static Process process(Path dir, int times) throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Counting.class.getName(),
                        dir.toString(),
                        String.valueOf(times))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    private static int ended(Process process) throws Exception {
        String said = new String(process.getInputStream().readAllBytes(), UTF_8).strip();
        assertEquals(0, process.waitFor());
        return Integer.parseInt(said);
    }

    /** Counts on in a file of the directory, as often as it is the owner of another one there, and prints how often that was. */
    static final class Counting {
        private Counting() {}

        public static void main(String[] args) throws IOException {
            Path dir = Path.of(args[0]);
            Path count = dir.resolve("count");
            int owner = 0;
            for (int i = 0; i < Integer.parseInt(args[1]); i++) {
                try (LockedFile file = LockedFile.take(dir.resolve("a"))) {
                    if (file != null) {
                        int before = Files.exists(count) ? Integer.parseInt(Files.readString(count)) : 0;
                        Files.writeString(count, String.valueOf(before + 1));
                        Files.delete(file.path());
                        owner++;
                    }
                }
            }
            System.out.println(owner);
        }
    }
}
