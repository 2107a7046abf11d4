package dev.peft4j.models.hub;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Servers that refuse, lie, or want the token. */
@Timeout(120)
class HostileHubTest {
    private static final String FILE = "model.safetensors";
    private static final String TOKEN = "hf_abcdefghijklmnop";

    @TempDir
    Path cache;

    private FakeHub hub;

    @BeforeEach
    void start() throws IOException {
        hub = new FakeHub();
    }

    @AfterEach
    void stop() {
        hub.close();
    }

    private String refused() {
        return assertThrows(HubException.class, () -> hub.download(cache)).getMessage();
    }

    private Hub withToken() {
        return hub.client(hub.config(cache).withToken(HubToken.of(TOKEN)));
    }

    private String refusedWithToken() {
        HubException e =
                assertThrows(HubException.class, () -> withToken().download(FakeHub.NAME, DownloadProgress.none()));
        StringWriter all = new StringWriter();
        e.printStackTrace(new PrintWriter(all));
        assertFalse(all.toString().contains(TOKEN), all.toString());
        return e.getMessage();
    }

    private void answer(String path, int status, String... headers) {
        hub.answers.put(path, e -> {
            for (int i = 0; i < headers.length; i += 2) {
                e.getResponseHeaders().set(headers[i], headers[i + 1]);
            }
            FakeHub.send(e, status, new byte[0]);
            return true;
        });
    }

    private void list(String json) {
        hub.answers.put("/revision/main", e -> {
            FakeHub.send(e, 200, json.getBytes(StandardCharsets.UTF_8));
            return true;
        });
    }

    private static void assertContains(String part, String message) {
        assertTrue(message.contains(part), message);
    }

    private void assertNothingLeft() throws IOException {
        try (Stream<Path> all = Files.walk(cache)) {
            assertEquals(
                    List.of(),
                    all.filter(p -> p.toString().contains(FILE) || p.toString().endsWith(".incomplete"))
                            .toList());
        }
    }

    @Test
    void a_refused_repository_without_a_token_asks_for_one() {
        answer("/revision/main", 401);
        assertContains(
                "the hub answers 401: the repository is private or gated, or there is none of this name. Check the name; if it is"
                        + " right, set HF_TOKEN",
                refused());
    }

    @Test
    void a_refused_token_is_said_to_be_refused() {
        answer("/revision/main", 401, "X-Error-Message", "Bearer " + TOKEN);
        assertContains(
                "the token that was sent (HF_TOKEN, or the file of HF_TOKEN_PATH) may not read", refusedWithToken());
    }

    @Test
    void a_gated_repository_names_the_page_of_its_terms() {
        answer("/revision/main", 403, "X-Error-Code", "GatedRepo");
        assertContains("the repository is gated. Accept its terms on " + hub.address() + "/org/name", refused());
    }

    @Test
    void a_file_of_a_gated_repository_is_refused_in_the_same_words() {
        answer("/config.json", 401, "X-Error-Code", "GatedRepo");
        assertContains("the repository is gated", refused());
    }

    @Test
    void what_does_not_exist_is_named() {
        Hub client = hub.client(hub.config(cache));
        assertContains(
                "the repository has no revision \"v9\" (404)",
                assertThrows(
                                HubException.class,
                                () -> client.download(HubName.parse("hub:org/name@v9"), DownloadProgress.none()))
                        .getMessage());
        assertContains(
                "there is no model of this name on it (404)",
                assertThrows(
                                HubException.class,
                                () -> client.download(HubName.parse("hub:org/other"), DownloadProgress.none()))
                        .getMessage());
    }

    @Test
    void a_mirror_that_says_404_alone_is_asked_what_is_missing() {
        answer("/revision/main", 404);
        answer("/api/models/org/name", 404);
        assertContains("there is no model of this name", refused());
        answer("/api/models/org/name", 200);
        assertContains("has no revision \"main\"", refused());
    }

    @Test
    void the_token_goes_to_the_hub_and_not_to_where_the_bytes_are() throws IOException {
        withToken().download(FakeHub.NAME, DownloadProgress.none());
        assertTrue(
                hub.requests.stream().allMatch(r -> r.authorization().equals("Bearer " + TOKEN)),
                hub.requests.toString());
        assertEquals(1, hub.storeRequests.size());
        assertTrue(hub.storeRequests.stream().allMatch(r -> r.authorization().isEmpty()), hub.storeRequests.toString());
    }

    @Test
    void the_token_does_not_come_back_when_a_redirect_leads_away_and_is_in_no_message() {
        hub.answers.put("/revision/main", e -> {
            FakeHub.redirect(e, hub.storeAddress() + "/steal?token=" + TOKEN);
            return true;
        });
        answer("/steal", 418);
        refusedWithToken();
        assertTrue(hub.storeRequests.stream().allMatch(r -> r.authorization().isEmpty()), hub.storeRequests.toString());
        list(hub.listing("{\"rfilename\": \"../" + TOKEN + "\"}"));
        assertContains("\"../(token)\"", refusedWithToken());
        list("{\"" + TOKEN);
        refusedWithToken();
    }

    @Test
    void redirects_without_an_end_are_given_up() {
        hub.answers.put("/revision/main", e -> {
            FakeHub.redirect(e, "/api/models/org/name/revision/main");
            return true;
        });
        assertContains("more than 10 redirects", refused());
        assertEquals(11, hub.requests.size());
    }

    @Test
    void redirects_to_what_is_no_server_are_refused() {
        for (String to : List.of("file:///etc/passwd", "jar:http://x!/", "http://", "//", "http://a b", "ftp://x/")) {
            answer("/revision/main", 302, "Location", to);
            assertContains("a redirect to where nothing can be asked", refused());
        }
    }

    @Test
    void names_that_lead_out_of_the_repository_are_refused() throws IOException {
        for (String name : List.of(
                "../evil.json",
                "a/../../evil.json",
                "/etc/evil.json",
                "..\\\\evil.json",
                "C:/evil.json",
                "a\\u0000.json",
                "a//b",
                "./config.json",
                "")) {
            list(hub.listing(FakeHub.sibling(name, 1, "a") + "}," + FakeHub.sibling(FILE, 1, "b") + "}"));
            assertContains("which would lie outside of the repository. Nothing was downloaded", refused());
        }
        try (Stream<Path> left = Files.list(cache)) {
            assertEquals(0, left.count());
        }
    }

    @Test
    void a_blob_that_would_lie_elsewhere_is_not_written() throws IOException {
        list(hub.listing(
                FakeHub.sibling("config.json", 1, "../../../evil") + "}," + FakeHub.sibling(FILE, 1, "b") + "}"));
        answer("/config.json", 200, "ETag", "\"../../../evil\"");
        assertContains("it does not say how large config.json is and what its hash is", refused());
        assertNothingLeft();
    }

    @Test
    void a_commit_that_is_a_path_is_refused() {
        list(hub.listing("").replace(FakeHub.COMMIT, "../../evil"));
        assertContains("it does not say which commit the revision is", refused());
    }

    @Test
    void what_is_no_answer_of_a_hub_is_said_to_be_none() {
        for (String json :
                List.of("<html>log in</html>", "[]", "", "{", "{\"sha\": 1}", "\"x\"", "[".repeat(100_000))) {
            list(json);
            assertContains("what the server sends is not the answer of a hub", refused());
        }
    }

    private static boolean endless(HttpExchange e, String begin, String more) throws IOException {
        e.sendResponseHeaders(200, 0);
        byte[] piece = more.repeat(1000).getBytes(StandardCharsets.UTF_8);
        try (OutputStream out = e.getResponseBody()) {
            out.write(begin.getBytes(StandardCharsets.UTF_8));
            for (int i = 0; i < 20_000; i++) {
                out.write(piece);
            }
        }
        return true;
    }

    @Test
    void a_list_without_an_end_is_given_up() {
        hub.answers.put("/revision/main", e -> endless(e, "{\"siblings\": [", "{\"rfilename\": \"a\"},"));
        assertContains("its answer has no end, or more than 16777216 bytes came", refused());
    }

    @Test
    void a_list_of_too_many_files_is_refused() {
        StringBuilder all = new StringBuilder();
        for (int i = 0; i <= 100_000; i++) {
            all.append(i == 0 ? "" : ",").append("{\"rfilename\": \"").append(i).append("\"}");
        }
        list(hub.listing(all.toString()));
        assertContains("it lists more than 100000 files", refused());
    }

    @Test
    void wrong_bytes_are_thrown_away() throws IOException {
        byte[] other = FakeHub.bytes(300_000, 9);
        hub.answers.put("/store/" + FILE, e -> {
            FakeHub.send(e, 200, other);
            return true;
        });
        assertContains(
                "the bytes of model.safetensors are not those that the hub lists (their hash is another one than",
                refused());
        assertNothingLeft();
        hub.answers.clear();
        assertArrayEquals(
                hub.files.get(FILE), Files.readAllBytes(hub.download(cache).resolve(FILE)));
    }

    @Test
    void wrong_bytes_of_a_small_file_are_thrown_away_too() throws IOException {
        hub.answers.put("/config.json", e -> {
            FakeHub.send(e, 200, "{\"model_type\": \"xxxxx\"}".getBytes(StandardCharsets.UTF_8));
            return true;
        });
        assertContains("the bytes of config.json are not those that the hub lists", refused());
        assertNothingLeft();
    }

    @Test
    void more_bytes_than_listed_are_thrown_away() throws IOException {
        hub.answers.put("/store/" + FILE, e -> {
            FakeHub.send(e, 200, new byte[300_001]);
            return true;
        });
        assertContains(
                "the server sends 300001 bytes of model.safetensors, of which only 300000 are to come", refused());
        hub.answers.put("/store/" + FILE, e -> endless(e, "", "0123456789"));
        assertContains("the server sends more than the 300000 bytes that model.safetensors has", refused());
        assertNothingLeft();
    }

    @Test
    void fewer_bytes_than_listed_are_an_error() {
        hub.answers.put("/store/" + FILE, e -> {
            FakeHub.send(e, 200, new byte[299_999]);
            return true;
        });
        assertContains("has no more than 299999 bytes of model.safetensors, which has 300000", missingRest());
    }

    /** A server that sends less, and 416 for the rest. */
    private String missingRest() {
        FakeHub.Answer shorter = hub.answers.get("/store/" + FILE);
        hub.answers.put("/store/" + FILE, e -> {
            if (e.getRequestHeaders().containsKey("Range")) {
                e.sendResponseHeaders(416, -1);
                return true;
            }
            return shorter.to(e);
        });
        return refused();
    }

    @Test
    void fewer_bytes_each_time_are_an_error() {
        hub.answers.put("/store/" + FILE, e -> FakeHub.sendWhole(e, new byte[299_999]));
        assertContains("ended model.safetensors at 299999 of 300000 bytes", refused());
        assertTrue(hub.gets(FILE).size() <= 7, hub.gets(FILE).toString());
    }

    @Test
    void another_part_than_was_asked_for_is_thrown_away() throws IOException {
        byte[] content = hub.files.get(FILE);
        Path blobs = Files.createDirectories(cache.resolve("models--org--name/blobs"));
        Files.write(blobs.resolve(FakeHub.sha256(content) + ".peft4j.incomplete"), Arrays.copyOf(content, 1000));
        hub.answers.put("/store/" + FILE, e -> {
            e.getResponseHeaders().set("Content-Range", "bytes 0-299999/300000");
            e.sendResponseHeaders(206, 299_000);
            return true;
        });
        assertContains("the server sends another part of model.safetensors than was asked for", refused());
        assertNothingLeft();
    }

    @Test
    void a_size_that_no_disk_has_is_refused_before_anything_comes() throws IOException {
        list(hub.listing(FakeHub.sibling(FILE, 900_000_000_000_000_000L, "b".repeat(40)) + "}"));
        assertContains("model.safetensors needs 900000000000000000 bytes more, where " + cache + " has ", refused());
        assertEquals(List.of(), hub.storeRequests);
    }

    @Test
    void a_size_that_is_no_number_of_bytes_is_asked_for() {
        for (String size : List.of("-5", "1e9", "99999999999999999999999", "\"7\"", "null", "[[]]")) {
            list(hub.listing(FakeHub.sibling(FILE, 0, "b".repeat(40)).replace(": 0,", ": " + size + ",") + "}"));
            answer("/" + FILE, 200);
            assertContains("it does not say how large model.safetensors is", refused());
        }
    }

    @Test
    void a_full_disk_is_said_to_be_full() throws IOException {
        assumeTrue(Files.exists(Path.of("/dev/full")), "a disk that is always full");
        Path blobs = Files.createDirectories(cache.resolve("models--org--name/blobs"));
        Path full = blobs.resolve(FakeHub.sha256(hub.files.get(FILE)) + ".peft4j.incomplete");
        Files.createSymbolicLink(full, Path.of("/dev/full"));
        String message = refused();
        assertContains("the cache " + cache + " could not be used (No space left on device), where ", message);
        assertContains(" bytes are free. Make room", message);
    }

    @Test
    void a_cache_that_cannot_be_written_is_said_to_be_so() throws IOException {
        Files.writeString(cache.resolve("models--org--name"), "a file");
        assertContains("the cache " + cache + " could not be used (", refused());
    }

    @Test
    void names_of_files_cannot_speak_to_a_terminal() {
        hub.files.remove(FILE);
        list(hub.listing("{\"rfilename\": \"a\u009b31m\u202e.bin\"}"));
        assertContains("it has a\\u009b31m\\u202e.bin. ", refused());
    }
}
