package dev.peft4j.models.hub;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BadInputException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Texts that name a directory or a repository. */
class HubPathTest {
    @TempDir
    Path cache;

    @Test
    void a_name_of_the_hub_is_downloaded_and_a_path_is_not() throws IOException {
        try (FakeHub server = new FakeHub()) {
            Hub hub = Hub.of(server.config(cache));
            assertEquals(Path.of("some", "directory"), HubPath.of("some/directory", hub));
            assertEquals(cache, HubPath.of(cache.toString()));
            assertEquals(List.of(), server.requests);
            Path snapshot = HubPath.of("hub:org/name", hub);
            assertEquals(cache.resolve("models--org--name/snapshots/" + FakeHub.COMMIT), snapshot);
            assertEquals(snapshot, HubPath.of("hub:org/name@main", hub));
            assertFalse(server.requests.isEmpty());
        }
    }

    @Test
    void what_is_neither_is_refused() {
        for (String bad : List.of("hub:", "hub:../x", "hub:a/b/c", "a\0b")) {
            String message =
                    assertThrows(BadInputException.class, () -> HubPath.of(bad)).getMessage();
            assertTrue(message.contains("hub:org/name"), message);
        }
    }
}
