package dev.peft4j.models.hub;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BadFileException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is downloaded, and how it lies in the cache. */
class HubTest {
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

    private static List<String> names(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(f -> f.getFileName().toString()).sorted().toList();
        }
    }

    private String blob(String file) {
        byte[] content = hub.files.get(file);
        return FakeHub.isLarge(file) ? FakeHub.sha256(content) : FakeHub.git(content);
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private String refused() {
        return assertThrows(HubException.class, () -> hub.download(cache)).getMessage();
    }

    @Test
    void the_files_that_are_read_are_downloaded_and_no_others() throws IOException {
        Path snapshot = hub.download(cache);
        assertEquals(cache.resolve("models--org--name/snapshots/" + FakeHub.COMMIT), snapshot);
        assertEquals(List.of("config.json", "model.safetensors", "tokenizer.json"), names(snapshot));
        for (String file : names(snapshot)) {
            assertArrayEquals(hub.files.get(file), Files.readAllBytes(snapshot.resolve(file)));
        }
        assertEquals(List.of(), hub.gets("pytorch_model.bin"));
    }

    @Test
    void the_cache_is_laid_out_as_that_of_python() throws IOException {
        Path snapshot = hub.download(cache);
        Path storage = cache.resolve("models--org--name");
        assertEquals(List.of(".locks", "CACHEDIR.TAG", "models--org--name"), names(cache));
        assertEquals(List.of("blobs", "refs", "snapshots"), names(storage));
        assertEquals(FakeHub.COMMIT, Files.readString(storage.resolve("refs/main")));
        assertEquals(
                new TreeSet<>(List.of(blob("config.json"), blob("model.safetensors"), blob("tokenizer.json"))),
                new TreeSet<>(names(storage.resolve("blobs"))));
        assertEquals(
                Path.of("..", "..", "blobs", blob("model.safetensors")),
                Files.readSymbolicLink(snapshot.resolve("model.safetensors")));
        assertTrue(Files.exists(cache.resolve(".locks/models--org--name/" + blob("config.json") + ".lock")));
    }

    @Test
    void a_second_call_asks_for_the_commit_only() throws IOException {
        Path first = hub.download(cache);
        hub.requests.clear();
        hub.storeRequests.clear();
        assertEquals(first, hub.download(cache));
        assertEquals(1, hub.requests.size());
        assertEquals(List.of(), hub.storeRequests);
    }

    @Test
    void a_new_commit_shares_the_blobs_that_stay() throws IOException {
        Path first = hub.download(cache);
        hub.commit = "f".repeat(40);
        hub.files.put("config.json", text("{\"model_type\": \"qwen2\"}"));
        Path second = hub.download(cache);
        assertEquals(1, hub.gets("model.safetensors").size());
        assertEquals("{\"model_type\": \"llama\"}", Files.readString(first.resolve("config.json")));
        assertEquals("{\"model_type\": \"qwen2\"}", Files.readString(second.resolve("config.json")));
        assertEquals("f".repeat(40), Files.readString(cache.resolve("models--org--name/refs/main")));
    }

    @Test
    void without_links_the_files_are_in_the_snapshot() throws IOException {
        Hub client = hub.client(hub.config(cache).withLinks(false));
        Path snapshot = client.download(FakeHub.NAME, DownloadProgress.none());
        assertTrue(Files.isRegularFile(snapshot.resolve("model.safetensors"), LinkOption.NOFOLLOW_LINKS));
        assertEquals(List.of(), names(cache.resolve("models--org--name/blobs")));
        hub.requests.clear();
        assertEquals(snapshot, client.download(FakeHub.NAME, DownloadProgress.none()));
        assertEquals(1, hub.requests.size());
    }

    @Test
    void without_links_a_blob_that_others_may_use_is_copied() throws IOException {
        hub.download(cache);
        hub.commit = "f".repeat(40);
        Path snapshot = hub.client(hub.config(cache).withLinks(false)).download(FakeHub.NAME, DownloadProgress.none());
        assertTrue(Files.isRegularFile(snapshot.resolve("model.safetensors"), LinkOption.NOFOLLOW_LINKS));
        assertArrayEquals(
                hub.files.get("model.safetensors"), Files.readAllBytes(snapshot.resolve("model.safetensors")));
        assertEquals(3, names(cache.resolve("models--org--name/blobs")).size());
    }

    @Test
    void a_commit_is_asked_for_by_itself_and_needs_no_ref() throws IOException {
        HubName name = HubName.parse("hub:org/name@" + FakeHub.COMMIT);
        Path snapshot = hub.client(hub.config(cache)).download(name, DownloadProgress.none());
        assertEquals(FakeHub.COMMIT, snapshot.getFileName().toString());
        assertFalse(Files.exists(cache.resolve("models--org--name/refs")));
    }

    @Test
    void one_file_is_preferred_to_shards() throws IOException {
        hub.files.put("model.safetensors.index.json", text("{\"weight_map\": {\"a\": \"model-1-of-1.safetensors\"}}"));
        hub.files.put("model-1-of-1.safetensors", FakeHub.bytes(100, 2));
        assertEquals(List.of("config.json", "model.safetensors", "tokenizer.json"), names(hub.download(cache)));
    }

    @Test
    void of_shards_those_come_that_the_index_names() throws IOException {
        hub.files.remove("model.safetensors");
        hub.files.put(
                "model.safetensors.index.json",
                text(
                        "{\"weight_map\": {\"a\": \"m-1.safetensors\", \"b\": \"m-2.safetensors\", \"c\": \"m-1.safetensors\"}}"));
        hub.files.put("m-1.safetensors", FakeHub.bytes(100, 2));
        hub.files.put("m-2.safetensors", FakeHub.bytes(100, 3));
        hub.files.put("consolidated.safetensors", FakeHub.bytes(100, 4));
        assertEquals(
                List.of(
                        "config.json",
                        "m-1.safetensors",
                        "m-2.safetensors",
                        "model.safetensors.index.json",
                        "tokenizer.json"),
                names(hub.download(cache)));
    }

    @Test
    void an_index_that_names_what_is_not_there_is_refused() {
        hub.files.remove("model.safetensors");
        for (String shard : List.of("m-9.safetensors", "../../secret.safetensors", "pytorch_model.bin")) {
            hub.files.put("model.safetensors.index.json", text("{\"weight_map\": {\"a\": \"" + shard + "\"}}"));
            String message = assertThrows(BadFileException.class, () -> hub.download(cache))
                    .getMessage();
            assertTrue(message.contains("the shard \"" + shard + "\" is named and is no file"), message);
        }
    }

    @Test
    void files_of_sentence_transformers_are_downloaded_into_their_directories() throws IOException {
        hub.files.put("modules.json", text("[]"));
        hub.files.put("1_Pooling/config.json", text("{\"of\": 1}"));
        hub.files.put("2_Dense/model.safetensors", new byte[10]);
        Path snapshot = hub.download(cache);
        assertEquals(
                List.of("1_Pooling", "config.json", "model.safetensors", "modules.json", "tokenizer.json"),
                names(snapshot));
        Path pooling = snapshot.resolve("1_Pooling/config.json");
        assertEquals("{\"of\": 1}", Files.readString(pooling));
        assertEquals(
                Path.of("..", "..", "..", "blobs", blob("1_Pooling/config.json")), Files.readSymbolicLink(pooling));
        assertEquals(snapshot, hub.download(cache));
        assertEquals(1, hub.gets("1_Pooling/config.json").size());
    }

    @Test
    void the_pooling_that_modules_name_is_downloaded_if_it_is_a_folder_here() throws IOException {
        hub.files.put(
                "modules.json",
                text("[{\"type\":\"a.Transformer\",\"path\":\"\"},{\"type\":\"a.Pooling\",\"path\":\"mean\"}]"));
        hub.files.put("mean/config.json", text("{}"));
        hub.files.put("other/config.json", text("{}"));
        hub.files.put("sentence_roberta_config.json", text("{}"));
        assertEquals(
                List.of(
                        "config.json",
                        "mean",
                        "model.safetensors",
                        "modules.json",
                        "sentence_roberta_config.json",
                        "tokenizer.json"),
                names(hub.download(cache)));
        hub.commit = "e".repeat(40);
        hub.files.put("modules.json", text("[{\"type\":\"a.Pooling\",\"path\":\"../mean\"}]"));
        assertFalse(names(hub.download(cache)).contains("mean"));
    }

    @Test
    void a_cache_without_config_is_not_used_whatever_else_it_has() throws IOException {
        hub.files.put("sentence_bert_config.json", text("{}"));
        Path snapshot = hub.download(cache);
        Files.delete(snapshot.resolve("config.json"));
        assertThrows(HubException.class, () -> hub.client(hub.config(cache).withOffline(true))
                .download(FakeHub.NAME, DownloadProgress.none()));
    }

    @Test
    void an_adapter_is_downloaded() throws IOException {
        hub.files.clear();
        hub.files.put("adapter_config.json", text("{}"));
        hub.files.put("adapter_model.safetensors", FakeHub.bytes(50, 5));
        hub.files.put("training_args.bin", new byte[3]);
        assertEquals(List.of("adapter_config.json", "adapter_model.safetensors"), names(hub.download(cache)));
    }

    @Test
    void a_repository_without_safetensors_is_refused_with_what_it_has() {
        hub.files.remove("model.safetensors");
        String message = refused();
        assertTrue(
                message.contains("it has README.md, config.json, modeling.py, pytorch_model.bin, tokenizer.json. "),
                message);
        assertTrue(message.contains("Pickle files (.bin, .pt) can run code"), message);
        assertFalse(Files.exists(cache.resolve("models--org--name")), "nothing is left");
    }

    @Test
    void progress_begins_at_nothing_and_ends_at_the_size() throws IOException {
        hub.files.put("model.safetensors", FakeHub.bytes(3_000_000, 1));
        List<String> told = new ArrayList<>();
        hub.client(hub.config(cache))
                .download(FakeHub.NAME, (file, done, size) -> told.add(file + " " + done + "/" + size));
        assertEquals("config.json 0/23", told.get(0));
        assertEquals("config.json 23/23", told.get(1));
        assertTrue(told.contains("model.safetensors 0/3000000"), told.toString());
        assertEquals("model.safetensors 3000000/3000000", told.get(told.size() - 1));
        assertTrue(told.size() <= 4 + 2 + 3, told.toString());
    }

    @Test
    void a_file_that_lost_bytes_in_the_cache_is_got_again() throws IOException {
        Path file = hub.download(cache).resolve("model.safetensors");
        Files.write(file.toRealPath(), new byte[10]);
        hub.download(cache);
        assertArrayEquals(hub.files.get("model.safetensors"), Files.readAllBytes(file));
    }

    @Test
    void a_mirror_without_sizes_and_hashes_is_asked_file_by_file() throws IOException {
        List<String> siblings = hub.files.keySet().stream()
                .map(f -> "{\"rfilename\": \"" + f + "\"}")
                .toList();
        hub.answers.put("/revision/main", e -> {
            FakeHub.send(e, 200, text(hub.listing(String.join(",", siblings))));
            return true;
        });
        Path snapshot = hub.download(cache);
        assertArrayEquals(
                hub.files.get("model.safetensors"), Files.readAllBytes(snapshot.resolve("model.safetensors")));
        assertTrue(Files.exists(cache.resolve("models--org--name/blobs/" + blob("model.safetensors"))));
        assertEquals(
                3, hub.requests.stream().filter(r -> r.method().equals("HEAD")).count());
        assertEquals(
                0,
                hub.storeRequests.stream()
                        .filter(r -> r.method().equals("HEAD"))
                        .count());
    }

    @Test
    void offline_the_cache_serves_and_nothing_is_asked() throws IOException {
        Path snapshot = hub.download(cache);
        hub.requests.clear();
        Hub offline = hub.client(hub.config(cache).withOffline(true));
        assertEquals(snapshot, offline.download(FakeHub.NAME, DownloadProgress.none()));
        assertEquals(
                snapshot, offline.download(HubName.parse("hub:org/name@" + FakeHub.COMMIT), DownloadProgress.none()));
        assertEquals(List.of(), hub.requests);
    }

    @Test
    void offline_what_is_not_in_the_cache_is_an_error_that_says_so() throws IOException {
        Hub offline = hub.client(hub.config(cache).withOffline(true));
        String nothing = assertThrows(HubException.class, () -> offline.download(FakeHub.NAME, DownloadProgress.none()))
                .getMessage();
        assertTrue(nothing.contains("(HF_HUB_OFFLINE=1), and " + cache + " has nothing of this revision."), nothing);
        Files.delete(hub.download(cache).resolve("model.safetensors"));
        String part = assertThrows(HubException.class, () -> offline.download(FakeHub.NAME, DownloadProgress.none()))
                .getMessage();
        assertTrue(part.contains("has only a part of it"), part);
    }

    @Test
    void offline_a_missing_shard_is_noticed() throws IOException {
        hub.files.remove("model.safetensors");
        hub.files.put("model.safetensors.index.json", text("{\"weight_map\": {\"a\": \"m-1.safetensors\"}}"));
        hub.files.put("m-1.safetensors", FakeHub.bytes(100, 2));
        Path snapshot = hub.download(cache);
        Hub offline = hub.client(hub.config(cache).withOffline(true));
        assertEquals(snapshot, offline.download(FakeHub.NAME, DownloadProgress.none()));
        Files.delete(snapshot.resolve("m-1.safetensors").toRealPath()); // the link leads nowhere now
        assertThrows(HubException.class, () -> offline.download(FakeHub.NAME, DownloadProgress.none()));
    }

    @Test
    void when_the_hub_is_down_what_the_cache_has_is_used_at_once() throws IOException {
        Path snapshot = hub.download(cache);
        hub.answers.put("/revision/main", e -> {
            FakeHub.send(e, 503, new byte[0]);
            return true;
        });
        assertEquals(snapshot, hub.download(cache));
        assertEquals(List.of(), hub.waits);
        HubConfig nobody = hub.config(cache);
        hub.close();
        assertEquals(snapshot, hub.client(nobody).download(FakeHub.NAME, DownloadProgress.none()));
    }

    @Test
    void a_ref_that_is_no_commit_leads_nowhere() throws IOException {
        Path elsewhere = Files.createDirectories(cache.resolve("elsewhere"));
        Path snapshot = hub.download(cache);
        for (String file : names(snapshot)) {
            Files.copy(snapshot.resolve(file), elsewhere.resolve(file));
        }
        Files.writeString(cache.resolve("models--org--name/refs/main"), "../../elsewhere");
        Hub offline = hub.client(hub.config(cache).withOffline(true));
        assertThrows(HubException.class, () -> offline.download(FakeHub.NAME, DownloadProgress.none()));
    }
}
