package dev.peft4j.models.hub;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import dev.peft4j.core.error.StoppedException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Connections that break, hubs that are busy or slow, and downloads that are stopped. */
@Timeout(60)
class BrokenConnectionsTest {
    private static final String FILE = "model.safetensors";

    @TempDir
    Path cache;

    private FakeHub hub;
    private byte[] content;

    @BeforeEach
    void start() throws IOException {
        hub = new FakeHub();
        content = hub.files.get(FILE);
    }

    @AfterEach
    void stop() {
        hub.close();
    }

    private String refused() {
        return assertThrows(HubException.class, () -> hub.download(cache)).getMessage();
    }

    private static int from(HttpExchange e) {
        String range = e.getRequestHeaders().getFirst("Range");
        return range == null ? 0 : Integer.parseInt(range.substring(6, range.length() - 1));
    }

    private Path incomplete() {
        return cache.resolve("models--org--name/blobs/" + FakeHub.sha256(content) + ".peft4j.incomplete");
    }

    /** Of the first 100,000 bytes Java's client may drop the last. */
    private static void assertGoesOn(FakeHub.Request request) {
        assertTrue(request.range().matches("bytes=[1-9][0-9]*-"), request.toString());
        int first = Integer.parseInt(request.range().replaceAll("\\D", ""));
        assertTrue(first > 10_000 && first <= 100_000, request.toString());
    }

    private void answerOnce(String path, FakeHub.Answer answer) {
        AtomicInteger asked = new AtomicInteger();
        hub.answers.put(path, e -> asked.getAndIncrement() == 0 && answer.to(e));
    }

    private void alwaysStatus(String path, int status) {
        hub.answers.put(path, e -> {
            FakeHub.send(e, status, new byte[0]);
            return true;
        });
    }

    @Test
    void a_cut_connection_is_gone_on_with_where_it_broke() throws IOException {
        answerOnce("/store/" + FILE, e -> FakeHub.cut(e, content, 0, 100_000));
        Path snapshot = hub.download(cache);
        assertArrayEquals(content, Files.readAllBytes(snapshot.resolve(FILE)));
        assertEquals(2, hub.gets(FILE).size());
        assertGoesOn(hub.gets(FILE).get(1));
        assertEquals(List.of(Duration.ofSeconds(1)), hub.waits);
        assertFalse(Files.exists(incomplete()));
    }

    @Test
    void a_connection_that_breaks_often_comes_to_its_end_while_it_brings_something() throws IOException {
        content = FakeHub.bytes(1_000_000, 3);
        hub.files.put(FILE, content);
        hub.answers.put(
                "/store/" + FILE, e -> FakeHub.cut(e, content, from(e), Math.min(content.length, from(e) + 70_000)));
        Path snapshot = hub.download(cache);
        assertArrayEquals(content, Files.readAllBytes(snapshot.resolve(FILE)));
        int gets = hub.gets(FILE).size(); // Java's client may drop the last bytes before a cut
        assertTrue(gets >= 15 && gets < 60, gets + " requests");
    }

    @Test
    void a_connection_that_brings_nothing_is_given_up_and_what_came_is_kept() throws IOException {
        hub.answers.put("/store/" + FILE, e -> FakeHub.cut(e, content, from(e), Math.max(from(e), 100_000)));
        String message = refused();
        assertTrue(message.contains("and try again; what has come is kept."), message);
        assertEquals(
                List.of(1L, 2L, 4L, 8L, 16L),
                hub.waits.stream().map(Duration::toSeconds).toList());
        assertTrue(Files.size(incomplete()) > 0 && Files.size(incomplete()) <= 100_000);
        hub.answers.clear();
        hub.storeRequests.clear();
        Path snapshot = hub.download(cache);
        assertArrayEquals(content, Files.readAllBytes(snapshot.resolve(FILE)));
        assertGoesOn(hub.gets(FILE).get(0));
    }

    @Test
    void progress_of_a_download_that_goes_on_begins_where_it_was() throws IOException {
        Files.createDirectories(incomplete().getParent());
        Files.write(incomplete(), Arrays.copyOf(content, 200_000));
        List<Long> told = new ArrayList<>();
        hub.client(hub.config(cache)).download(FakeHub.NAME, (file, done, size) -> {
            if (file.equals(FILE)) {
                told.add(done);
            }
        });
        assertEquals(List.of(200_000L, 300_000L), told);
    }

    @Test
    void a_server_without_ranges_sends_all_again() throws IOException {
        hub.answers.put("/store/" + FILE, e -> {
            if (hub.gets(FILE).size() == 1) {
                return FakeHub.cut(e, content, 0, 100_000);
            }
            return FakeHub.sendWhole(e, content);
        });
        Path snapshot = hub.download(cache);
        assertArrayEquals(content, Files.readAllBytes(snapshot.resolve(FILE)));
    }

    @Test
    void a_hub_that_fails_is_asked_again() throws IOException {
        for (int status : List.of(408, 500, 502, 503, 504)) {
            hub.waits.clear();
            answerOnce("/revision/main", e -> {
                FakeHub.send(e, status, new byte[0]);
                return true;
            });
            hub.client(hub.config(cache.resolve("cache" + status))).download(FakeHub.NAME, DownloadProgress.none());
            assertEquals(List.of(Duration.ofSeconds(1)), hub.waits, "status " + status);
        }
    }

    @Test
    void a_hub_that_stays_down_is_said_to_be_so() {
        alwaysStatus("/revision/main", 503);
        String message = refused();
        assertTrue(
                message.contains("hub:org/name was to be downloaded from 127.0.0.1, and the hub answers 503"), message);
        assertEquals(
                List.of(1L, 2L, 4L, 8L, 16L),
                hub.waits.stream().map(Duration::toSeconds).toList());
    }

    @Test
    void the_time_that_a_busy_hub_asks_for_is_kept() throws IOException {
        String[][] headers = {
            {"Retry-After", "7"},
            {"Retry-After", "Thu, 01 Jan 2026 00:00:09 GMT"},
            {"RateLimit", "\"api\";r=0;t=54"},
            {"Retry-After", "soon"}
        };
        List<Long> seconds = List.of(7L, 9L, 55L, 1L);
        for (int i = 0; i < headers.length; i++) {
            String[] header = headers[i];
            hub.waits.clear();
            answerOnce("/revision/main", e -> {
                e.getResponseHeaders().set(header[0], header[1]);
                FakeHub.send(e, 429, new byte[0]);
                return true;
            });
            hub.client(hub.config(cache.resolve("cache" + i))).download(FakeHub.NAME, DownloadProgress.none());
            assertEquals(List.of(Duration.ofSeconds(seconds.get(i))), hub.waits, header[1]);
        }
    }

    @Test
    void a_time_that_is_too_long_to_wait_is_said() {
        hub.answers.put("/revision/main", e -> {
            e.getResponseHeaders().set("Retry-After", "3600");
            FakeHub.send(e, 429, new byte[0]);
            return true;
        });
        String message = refused();
        assertTrue(message.contains("429: too many requests came from here. Wait 3600 s, or set HF_TOKEN"), message);
        assertEquals(List.of(), hub.waits);
    }

    @Test
    void a_hub_that_stays_busy_is_given_up() {
        alwaysStatus("/revision/main", 429);
        String message = refused();
        assertTrue(message.contains("Wait some minutes, or set HF_TOKEN: accounts may ask more often."), message);
        assertEquals(6, hub.requests.size());
    }

    @Test
    void a_hub_that_is_not_there_is_said_not_to_be_reached() {
        HubConfig nobody = hub.config(cache);
        hub.close();
        String message = assertThrows(
                        HubException.class, () -> hub.client(nobody).download(FakeHub.NAME, DownloadProgress.none()))
                .getMessage();
        assertTrue(message.contains("127.0.0.1 cannot be reached ("), message);
        assertEquals(5, hub.waits.size());
    }

    private Hub impatient() {
        return hub.client(hub.config(cache).withTimeout(Duration.ofMillis(500)));
    }

    private static boolean dawdle(HttpExchange e, byte[] bytes, int rate) throws IOException {
        try {
            for (int i = 0; i < bytes.length; i += rate) {
                e.getResponseBody().write(bytes, i, Math.min(rate, bytes.length - i));
                e.getResponseBody().flush();
                Thread.sleep(50);
            }
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
        return true;
    }

    @Test
    void a_hub_that_does_not_answer_in_time_is_given_up() {
        hub.answers.put("/revision/main", e -> dawdle(e, new byte[0], 1) && sleep(2000));
        String message = assertThrows(
                        HubException.class, () -> impatient().download(FakeHub.NAME, DownloadProgress.none()))
                .getMessage();
        assertTrue(message.contains("127.0.0.1 does not answer within 0 s"), message);
    }

    private static boolean sleep(int milliseconds) {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
        return true;
    }

    @Test
    void a_body_that_drips_is_given_up() {
        hub.answers.put("/store/" + FILE, e -> {
            e.sendResponseHeaders(200, content.length);
            return dawdle(e, content, 100);
        });
        String message = assertThrows(
                        HubException.class, () -> impatient().download(FakeHub.NAME, DownloadProgress.none()))
                .getMessage();
        assertTrue(message.contains("began to send and did not end (only "), message);
    }

    @Test
    void a_body_that_comes_slowly_but_steadily_is_waited_for() throws IOException {
        byte[] small = FakeHub.bytes(150_000, 4); // in 1.5 s
        hub.files.put(FILE, small);
        hub.answers.put("/store/" + FILE, e -> {
            e.sendResponseHeaders(200, small.length);
            return dawdle(e, small, 5000);
        });
        Path snapshot = hub.client(hub.config(cache).withTimeout(Duration.ofSeconds(1)))
                .download(FakeHub.NAME, DownloadProgress.none());
        assertArrayEquals(small, Files.readAllBytes(snapshot.resolve(FILE)));
        assertEquals(List.of(), hub.waits);
    }

    @Test
    void an_interrupt_stops_it_and_what_came_is_kept() throws IOException {
        hub.files.put(FILE, FakeHub.bytes(20_000_000, 5));
        content = hub.files.get(FILE);
        Hub client = hub.client(hub.config(cache));
        StoppedException stopped = assertThrows(
                StoppedException.class,
                () -> client.download(FakeHub.NAME, (file, done, size) -> {
                    if (done > 5_000_000) {
                        Thread.currentThread().interrupt();
                    }
                }));
        assertTrue(Thread.interrupted(), "the thread still is interrupted");
        assertTrue(
                stopped.getMessage().startsWith("hub:org/name was to be downloaded from 127.0.0.1"),
                stopped.getMessage());
        assertTrue(Files.size(incomplete()) > 4_000_000);
        hub.storeRequests.clear();
        hub.download(cache);
        assertTrue(hub.gets(FILE).get(0).range().startsWith("bytes="), "it goes on");
    }

    @Test
    void an_interrupt_ends_the_wait_for_an_answer() throws InterruptedException {
        hub.answers.put("/revision/main", e -> sleep(20_000));
        Thread self = Thread.currentThread();
        Thread other = new Thread(() -> {
            sleep(300);
            self.interrupt();
        });
        other.start();
        assertThrows(StoppedException.class, () -> hub.download(cache));
        assertTrue(Thread.interrupted());
        other.join();
    }
}
