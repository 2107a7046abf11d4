package dev.peft4j.models.hub;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BadInputException;
import java.util.List;
import org.junit.jupiter.api.Test;

class HubNameTest {
    @Test
    void a_name_has_a_repository_and_a_revision() {
        assertEquals(new HubName("org/name", "main"), HubName.parse("hub:org/name"));
        assertEquals(new HubName("org/name", "v1.0"), HubName.parse("hub:org/name@v1.0"));
        assertEquals(new HubName("gpt2", "refs/pr/1"), HubName.parse("hub:gpt2@refs/pr/1"));
    }

    @Test
    void a_name_is_printed_as_it_is_read() {
        for (String text : List.of("hub:org/name", "hub:gpt2", "hub:a_b/c.d-e@feature/x+y")) {
            assertEquals(text, HubName.parse(text).toString());
        }
        assertEquals("hub:org/name", HubName.parse("hub:org/name@main").toString());
    }

    @Test
    void a_name_of_the_hub_is_no_path() {
        assertTrue(HubName.isHub("hub:org/name"));
        assertFalse(HubName.isHub("models/hub:x"));
        assertFalse(HubName.isHub("/hub"));
    }

    @Test
    void names_that_the_hub_does_not_allow_are_refused() {
        for (String name : List.of(
                "",
                "/",
                "a/",
                "/b",
                "a/b/c",
                "..",
                "../x",
                "a/..",
                "a--b",
                "-a",
                "a-",
                ".a",
                "a.",
                "a.git",
                "a b",
                "a\\b",
                "ä/b",
                "a/b\n",
                "a?b",
                "a%2f",
                "x".repeat(97))) {
            String message = assertThrows(BadInputException.class, () -> HubName.parse("hub:" + name))
                    .getMessage();
            assertTrue(message.contains("cannot be the name of one"), message);
        }
    }

    @Test
    void revisions_that_are_no_path_within_the_cache_are_refused() {
        for (String revision : List.of(
                "",
                "/",
                "a/",
                "/a",
                "a//b",
                "..",
                "a/../b",
                "a..b",
                ".",
                ".hidden",
                "a.",
                "a b",
                "a\\b",
                "C:",
                "a\u0000",
                "a@b",
                "x".repeat(201))) {
            String message = assertThrows(BadInputException.class, () -> new HubName("org/name", revision))
                    .getMessage();
            assertTrue(message.contains("of hub:org/name was asked for, which is none"), message);
        }
    }

    @Test
    void what_does_not_begin_with_hub_is_refused() {
        String message = assertThrows(BadInputException.class, () -> HubName.parse("org/name"))
                .getMessage();
        assertTrue(message.contains("\"org/name\" does not begin with hub:"), message);
    }

    @Test
    void the_folder_is_that_of_python() {
        assertEquals("models--org--name", HubName.parse("hub:org/name@v1").folder());
        assertEquals("models--gpt2", HubName.parse("hub:gpt2").folder());
    }
}
