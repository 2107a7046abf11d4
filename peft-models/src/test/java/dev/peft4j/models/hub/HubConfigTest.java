package dev.peft4j.models.hub;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the environment says. */
class HubConfigTest {
    private static final String TOKEN = "hf_abcdefghijklmnop";

    @TempDir
    Path home;

    private HubConfig config(Map<String, String> variables) throws IOException {
        return new HubEnvironment(variables, home.toString()).config();
    }

    private String authorization(Map<String, String> variables) throws IOException {
        HubToken token = config(variables).token();
        return token.isNone() ? "" : token.authorization();
    }

    @Test
    void nothing_set_means_the_defaults_of_python() throws IOException {
        HubConfig config = config(Map.of());
        assertEquals(URI.create("https://huggingface.co"), config.endpoint());
        assertEquals(home.resolve(".cache/huggingface/hub"), config.cache());
        assertTrue(config.token().isNone());
        assertFalse(config.offline());
        assertTrue(config.links());
        assertEquals(Duration.ofSeconds(30), config.timeout());
    }

    @Test
    void the_cache_is_where_python_has_it() throws IOException {
        assertEquals(home.resolve("h/hub"), config(Map.of("HF_HOME", "~/h")).cache());
        assertEquals(
                home.resolve("c"),
                config(Map.of("HF_HOME", "~/h", "HF_HUB_CACHE", home + "/c")).cache());
        assertEquals(
                home.resolve("o"),
                config(Map.of("HUGGINGFACE_HUB_CACHE", "~/o")).cache());
        assertEquals(
                home.resolve("x/huggingface/hub"),
                config(Map.of("XDG_CACHE_HOME", "~/x")).cache());
        assertEquals(
                home.resolve("me/data/hub"),
                config(Map.of("HF_HOME", "~/$WHO/${WHAT}", "WHO", "me", "WHAT", "data"))
                        .cache());
        assertEquals(
                home.resolve("$NOT/hub"), config(Map.of("HF_HOME", "~/$NOT")).cache());
    }

    @Test
    void the_token_is_the_variable_or_else_the_file() throws IOException {
        Files.createDirectories(home.resolve("h"));
        Files.writeString(home.resolve("h/token"), TOKEN + "\r\n");
        Files.writeString(home.resolve("other"), "hf_other\n");
        Map<String, String> none = Map.of("HF_HOME", "~/h");
        assertEquals("Bearer " + TOKEN, authorization(none));
        assertEquals("Bearer hf_other", authorization(Map.of("HF_HOME", "~/h", "HF_TOKEN_PATH", "~/other")));
        assertEquals("Bearer hf_mine", authorization(Map.of("HF_HOME", "~/h", "HF_TOKEN", " hf_mine\n")));
        assertEquals("Bearer " + TOKEN, authorization(Map.of("HF_HOME", "~/h", "HF_TOKEN", " ")));
        assertEquals("", authorization(Map.of("HF_HOME", "~/h", "HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")));
        assertEquals("", authorization(Map.of("HF_TOKEN_PATH", "~/not-there")));
    }

    @Test
    void a_token_that_is_none_is_refused_and_not_shown() throws IOException {
        String message = assertThrows(BadInputException.class, () -> config(Map.of("HF_TOKEN", TOKEN + "\n x")))
                .getMessage();
        assertFalse(message.contains(TOKEN), message);
        assertTrue(message.contains("has 22 characters, and among them some that no token has"), message);
        Files.writeString(home.resolve("token"), "x".repeat(5000));
        assertThrows(BadFileException.class, () -> config(Map.of("HF_HOME", home.toString())));
        Files.write(home.resolve("token"), new byte[] {(byte) 0xff, 0});
        assertThrows(BadFileException.class, () -> config(Map.of("HF_HOME", home.toString())));
    }

    @Test
    void a_token_is_never_shown() {
        HubToken token = HubToken.of(TOKEN);
        HubConfig config = HubConfig.of(home).withToken(token);
        for (String text : List.of(token.toString(), config.toString())) {
            assertFalse(text.contains(TOKEN), text);
        }
        assertEquals("hidden", token.toString());
        assertEquals("none", HubToken.none().toString());
    }

    @Test
    void switches_are_true_as_in_python() throws IOException {
        for (String yes : List.of("1", "on", "YES", "True")) {
            assertTrue(config(Map.of("HF_HUB_OFFLINE", yes)).offline(), yes);
        }
        for (String no : List.of("0", "false", "", "2")) {
            assertFalse(config(Map.of("HF_HUB_OFFLINE", no)).offline(), no);
        }
        assertTrue(config(Map.of("TRANSFORMERS_OFFLINE", "1")).offline());
        assertFalse(config(Map.of("HF_HUB_DISABLE_SYMLINKS", "1")).links());
    }

    @Test
    void times_are_seconds() throws IOException {
        assertEquals(
                Duration.ofSeconds(90),
                config(Map.of("HF_HUB_DOWNLOAD_TIMEOUT", "90")).timeout());
        for (String bad : List.of("soon", "-1", "0", "1.5", "9999999")) {
            assertThrows(BadInputException.class, () -> config(Map.of("HF_HUB_DOWNLOAD_TIMEOUT", bad)), bad);
        }
    }

    @Test
    void addresses_that_are_no_hub_are_refused_and_passwords_not_shown() {
        for (String bad : List.of(
                "huggingface.co", "ftp://x", "https://", "file:///x", "https://u:" + "pass@x/", "http://x/?a", "x y")) {
            String message = assertThrows(BadInputException.class, () -> config(Map.of("HF_ENDPOINT", bad)), bad)
                    .getMessage();
            assertTrue(message.contains("HF_ENDPOINT"), message);
            assertFalse(message.contains("pass@"), message);
        }
    }

    @Test
    void a_mirror_may_lie_in_a_folder_of_a_server() throws IOException {
        HubConfig config = config(Map.of("HF_ENDPOINT", "https://hub.example:8443/hf/"));
        assertEquals(
                URI.create("https://hub.example:8443/hf/api/models/org/name/revision/refs%2Fpr%2F1?blobs=true"),
                Address.listing(config, HubName.parse("hub:org/name@refs/pr/1")));
        assertEquals(
                URI.create("https://hub.example:8443/hf/org/name/resolve/main/a%20b.json"),
                Address.file(config, FakeHub.NAME, "main", "a b.json"));
    }

    @Test
    void the_same_server_has_the_same_scheme_name_and_port() {
        URI hub = URI.create("https://Hub.example/x");
        assertTrue(Address.sameServer(hub, URI.create("https://hub.example:443/y")));
        for (String other : List.of(
                "http://hub.example/",
                "https://hub.example:8443/",
                "https://cdn.hub.example/",
                "https://hub.example.evil/")) {
            assertFalse(Address.sameServer(hub, URI.create(other)), other);
        }
    }

    @Test
    void a_secure_address_leads_to_secure_ones_only() {
        URI hub = URI.create("https://hub.example/x/y");
        assertEquals(URI.create("https://hub.example/z?a=b"), Address.redirect(hub, "/z?a=b"));
        assertEquals(URI.create("https://cdn.example/z"), Address.redirect(hub, "https://cdn.example/z"));
        assertEquals(null, Address.redirect(hub, "http://hub.example/z"));
    }
}
