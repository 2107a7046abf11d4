package dev.peft4j.models.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.peft4j.core.error.BadInputException;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * What templates render to, against transformers; scripts/make-chat-fixtures.py has made the answers. Others of that layout with {@code -Dpeft4j.chats=DIR}.
 */
class TemplateReferenceTest {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private static JsonNode read(String name) throws IOException {
        String given = System.getProperty("peft4j.chats", "");
        try {
            Path own = Path.of(Objects.requireNonNull(TemplateReferenceTest.class.getResource("/chat"))
                    .toURI());
            Path file = (given.isEmpty() ? own : Path.of(given)).resolve(name);
            return JSON.readTree(Files.readString(Files.exists(file) ? file : own.resolve(name)));
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Map<String, Object> map(JsonNode node) {
        return JSON.convertValue(node, new TypeReference<LinkedHashMap<String, Object>>() {});
    }

    /** The text, or the error that both have. */
    private static Rendering check(String template, Map<String, Object> variables, JsonNode expected) {
        if (expected.has("error")) {
            String message = String.valueOf(assertThrows(
                            BadInputException.class, () -> Template.of(template).render(variables, true), template)
                    .getMessage());
            assertTrue(message.contains(expected.get("error").asText()), message);
            assertTrue(message.endsWith("."), message);
            return new Rendering("", List.of());
        }
        Rendering made = Template.of(template).render(variables, true);
        assertEquals(expected.get("text").asText(), made.text(), template);
        return made;
    }

    @TestFactory
    Stream<DynamicTest> constructs_render_as_in_jinja2() throws IOException {
        JsonNode all = read("constructs.json");
        Map<String, Object> variables = map(all.get("variables"));
        List<DynamicTest> tests = new ArrayList<>();
        all.get("cases").forEach(c -> {
            String template = c.get("template").asText();
            String name = template.length() <= 60 ? template : template.substring(0, 60);
            tests.add(DynamicTest.dynamicTest(name.replace("\n", "\\n"), () -> check(template, variables, c)));
        });
        assertTrue(tests.size() > 80);
        return tests.stream();
    }

    @TestFactory
    Stream<DynamicTest> families_render_as_in_transformers() throws IOException {
        JsonNode all = read("families.json");
        Map<String, List<JsonNode>> byTemplate = new LinkedHashMap<>();
        all.get("cases").forEach(c -> byTemplate
                .computeIfAbsent(c.get("template").asText(), t -> new ArrayList<>())
                .add(c));
        assertTrue(byTemplate.size() > 10);
        return byTemplate.entrySet().stream()
                .map(e -> DynamicTest.dynamicTest(e.getKey(), () -> {
                    for (JsonNode c : e.getValue()) {
                        check(all, c);
                    }
                }));
    }

    private static void check(JsonNode all, JsonNode c) {
        String chat = c.get("chat").asText();
        boolean tools = false;
        for (JsonNode name : all.get("with_tools")) {
            tools |= name.asText().equals(chat);
        }
        Map<String, Object> variables = new HashMap<>(map(all.get("tokens")));
        variables.putAll(map(c.get("more")));
        variables.put("messages", JSON.convertValue(all.get("chats").get(chat), Object.class));
        variables.put("tools", tools ? JSON.convertValue(all.get("tools"), Object.class) : null);
        variables.put("documents", null);
        variables.put("add_generation_prompt", c.get("prompt").asBoolean());
        Rendering made =
                check(all.get("templates").get(c.get("template").asText()).asText(), variables, c);
        List<List<Integer>> expected = new ArrayList<>();
        if (!c.has("error")) {
            c.get("spans")
                    .forEach(
                            s -> expected.add(List.of(s.get(0).asInt(), s.get(1).asInt())));
        }
        List<List<Integer>> spans = made.generated().stream()
                .map(s -> List.of(
                        made.text().codePointCount(0, s.begin()), made.text().codePointCount(0, s.end())))
                .toList();
        assertEquals(expected, spans, c.toString());
    }
}
