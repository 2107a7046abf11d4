package dev.peft4j.core.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.StoppedException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFileTest {
    @TempDir
    Path dir;

    private List<String> names() throws IOException {
        try (Stream<Path> all = Files.list(dir)) {
            return all.map(p -> p.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void what_a_killed_write_left_is_used_again() throws IOException {
        Files.writeString(dir.resolve(".a.json.tmp"), "half of something longer than the file");
        AtomicFile.write(dir.resolve("a.json"), "{}");
        assertEquals(List.of("a.json"), names());
        assertEquals("{}", Files.readString(dir.resolve("a.json")));
    }

    @Test
    void leftovers_are_known_by_their_names() {
        for (String name : List.of(".a.json.tmp", ".a.json123.tmp")) {
            assertTrue(AtomicFile.isLeftOver(name, "a.json"), name);
        }
        for (String name : List.of("a.json", ".a.json", ".a.jsonx.tmp", ".a.json.tmp2", ".b.json.tmp", ".tmp")) {
            assertFalse(AtomicFile.isLeftOver(name, "a.json"), name);
        }
    }

    @Test
    void files_have_the_rights_of_the_user() throws IOException {
        Path plain = Files.writeString(dir.resolve("plain"), "x");
        AtomicFile.write(dir.resolve("a"), "x");
        assertEquals(Files.getPosixFilePermissions(plain), Files.getPosixFilePermissions(dir.resolve("a")));
    }

    @Test
    void an_interrupt_neither_stops_a_write_nor_is_lost() throws IOException {
        Thread.currentThread().interrupt();
        AtomicFile.write(dir.resolve("a"), "one");
        assertTrue(Thread.interrupted());
        boolean[] first = {true};
        AtomicFile.write(dir.resolve("b"), channel -> {
            if (first[0]) {
                first[0] = false;
                Thread.currentThread().interrupt();
            }
            AtomicFile.text("two").writeTo(channel);
        });
        assertTrue(Thread.interrupted());
        assertEquals("one", Files.readString(dir.resolve("a")));
        assertEquals("two", Files.readString(dir.resolve("b")));
    }

    @Test
    void a_write_that_fails_changes_nothing() throws IOException {
        AtomicFile.write(dir.resolve("a"), "old");
        AtomicFile.write(dir.resolve("b"), "old");
        Map<String, AtomicFile.Content> files = new LinkedHashMap<>();
        files.put("a", AtomicFile.text("new"));
        files.put("b", channel -> {
            throw new IOException("no space left");
        });
        String message = String.valueOf(assertThrows(IOException.class, () -> AtomicFile.writeAll(dir, files))
                .getMessage());
        assertTrue(message.contains("no space left") && message.contains("Nothing was changed"), message);
        assertEquals("old", Files.readString(dir.resolve("a")));
        assertEquals("old", Files.readString(dir.resolve("b")));
        assertEquals(List.of("a", "b"), names());
    }

    @Test
    void an_interrupt_of_what_is_read_meanwhile_does_not_stop_a_write_either() throws IOException {
        boolean[] first = {true};
        AtomicFile.write(dir.resolve("a"), channel -> {
            if (first[0]) {
                first[0] = false;
                Thread.currentThread().interrupt();
                throw new StoppedException("a file was to be read");
            }
            AtomicFile.text("one").writeTo(channel);
        });
        assertTrue(Thread.interrupted());
        assertEquals("one", Files.readString(dir.resolve("a")));
        assertThrows(
                StoppedException.class,
                () -> AtomicFile.write(dir.resolve("b"), channel -> {
                    throw new StoppedException("something was to be waited for");
                }));
        assertEquals(List.of("a"), names());
    }

    @Test
    void a_bad_file_that_was_to_be_copied_leaves_nothing() throws IOException {
        assertThrows(
                BadFileException.class,
                () -> AtomicFile.write(dir.resolve("a"), channel -> {
                    AtomicFile.text("half").writeTo(channel);
                    throw new BadFileException(dir, "became shorter");
                }));
        assertEquals(List.of(), names());
    }

    @Test
    void two_writers_of_one_file_do_not_mix_their_bytes() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch end = new CountDownLatch(1);
        ExecutorService other = Executors.newSingleThreadExecutor();
        try {
            Future<?> slow = other.submit(() -> {
                AtomicFile.write(dir.resolve("a"), channel -> {
                    begun.countDown();
                    await(end);
                    AtomicFile.text("slow").writeTo(channel);
                });
                return null;
            });
            begun.await();
            assertThrows(IOException.class, () -> AtomicFile.write(dir.resolve("a"), "fast"));
            end.countDown();
            slow.get();
            assertEquals("slow", Files.readString(dir.resolve("a")));
        } finally {
            other.shutdown();
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
