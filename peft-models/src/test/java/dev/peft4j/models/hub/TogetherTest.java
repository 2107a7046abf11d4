package dev.peft4j.models.hub;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Several threads and processes that want the same model, and one that is killed. */
@Timeout(120)
class TogetherTest {
    private static final String FILE = "model.safetensors";

    @TempDir
    Path cache;

    private FakeHub hub;

    @BeforeEach
    void start() throws IOException {
        hub = new FakeHub();
        hub.files.put(FILE, FakeHub.bytes(4_000_000, 1));
        hub.answers.put("/store/" + FILE, this::slowly);
    }

    @AfterEach
    void stop() {
        hub.close();
    }

    /** In about two seconds. */
    private boolean slowly(HttpExchange e) throws IOException {
        byte[] content = hub.files.get(FILE);
        String range = e.getRequestHeaders().getFirst("Range");
        int from = range == null ? 0 : Integer.parseInt(range.substring(6, range.length() - 1));
        if (from > 0) {
            e.getResponseHeaders().set("Content-Range", "bytes " + from + "-3999999/4000000");
        }
        e.sendResponseHeaders(from > 0 ? 206 : 200, content.length - from);
        try {
            for (int at = from; at < content.length; at += 100_000) {
                e.getResponseBody().write(content, at, Math.min(100_000, content.length - at));
                e.getResponseBody().flush();
                TimeUnit.MILLISECONDS.sleep(50);
            }
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
        return true;
    }

    /** In a process of its own. */
    static final class Other {
        private Other() {}

        /** Downloads to a cache from a hub. */
        public static void main(String[] args) throws IOException {
            Hub.of(HubConfig.of(Path.of(args[0])).withEndpoint(URI.create(args[1])))
                    .download(FakeHub.NAME, DownloadProgress.none());
        }
    }

    private Process process() throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx64m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Other.class.getName(),
                        cache.toString(),
                        hub.address().toString())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    private void assertComplete() throws IOException {
        Path snapshot = cache.resolve("models--org--name/snapshots/" + FakeHub.COMMIT);
        assertArrayEquals(hub.files.get(FILE), Files.readAllBytes(snapshot.resolve(FILE)));
    }

    @Test
    void threads_share_one_download() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(4);
        List<Future<Path>> all = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            all.add(threads.submit(() -> hub.download(cache)));
        }
        for (Future<Path> one : all) {
            assertEquals(all.get(0).get(), one.get());
        }
        threads.shutdown();
        assertComplete();
        assertEquals(1, hub.gets(FILE).size());
        assertEquals(1, hub.gets("config.json").size());
    }

    @Test
    void processes_share_one_download() throws Exception {
        Process other = process();
        while (hub.gets(FILE).isEmpty()) {
            assertTrue(other.isAlive() || other.exitValue() == 0);
            TimeUnit.MILLISECONDS.sleep(10);
        }
        hub.download(cache);
        assertComplete();
        assertEquals(0, other.waitFor());
        assertEquals(1, hub.gets(FILE).size());
    }

    @Test
    void what_a_killed_process_has_is_gone_on_with() throws Exception {
        Process other = process();
        Path incomplete =
                cache.resolve("models--org--name/blobs/" + FakeHub.sha256(hub.files.get(FILE)) + ".peft4j.incomplete");
        while (!Files.exists(incomplete) || Files.size(incomplete) < 500_000) {
            assertTrue(other.isAlive());
            TimeUnit.MILLISECONDS.sleep(10);
        }
        other.destroyForcibly().waitFor();
        long there = Files.size(incomplete);
        assertTrue(there < 4_000_000);
        assertFalse(Files.exists(cache.resolve("models--org--name/refs/main")), "it is not to be found yet");
        hub.download(cache);
        assertComplete();
        assertEquals("bytes=" + there + "-", hub.gets(FILE).get(1).range());
    }

    @Test
    void two_that_write_one_blob_at_the_same_time_do_no_harm() throws Exception {
        Path lock = cache.resolve(".locks/models--org--name/" + FakeHub.sha256(hub.files.get(FILE)) + ".lock");
        Process other = process();
        while (hub.gets(FILE).isEmpty()) {
            TimeUnit.MILLISECONDS.sleep(10);
        }
        Files.delete(lock); // as a program that tidies up
        TimeUnit.MILLISECONDS.sleep(300);
        hub.download(cache);
        assertComplete();
        assertEquals(0, other.waitFor());
        assertComplete();
        assertEquals(2, hub.gets(FILE).size());
    }
}
