package dev.peft4j.models.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.StoppedException;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Templates come from elsewhere: none takes more time, depth or memory than its size warrants, and none reaches Java. */
class HostileTemplateTest {
    private static final String MARKS = "{}[]()'\"|.,:-%#=~ \n1az";
    private static final Map<String, Object> VARIABLES = Map.of(
            "long", "ab".repeat(100_000), "list", List.of(1, 2, 3), "map", Map.of("a", 1), "messages", List.of());

    private static String refused(String template) {
        return assertTimeoutPreemptively(Duration.ofSeconds(20), () -> refusedHere(template));
    }

    private static String refusedHere(String template) {
        return String.valueOf(assertThrows(
                        BadInputException.class,
                        () -> Template.of(template).render(VARIABLES, false),
                        () -> template.substring(0, Math.min(200, template.length())))
                .getMessage());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
                "{% set n = namespace(s='x') %}{% for a in range(60) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
                "{% set n = namespace(s='x') %}{% for a in range(60) %}{% set n.s = n.s + n.s %}{% endfor %}",
                "{% set n = namespace(l=[1]) %}{% for a in range(60) %}{% set n.l = n.l + n.l %}{% endfor %}",
                "{% set n = namespace(l=[1]) %}{% for a in range(60) %}{% set n.l = [n.l, n.l] %}{% endfor %}{{ n.l }}",
                "{% set n = namespace(l=[1]) %}{% for a in range(60) %}{% set n.l = [n.l, n.l] %}{% endfor %}{{ n.l|tojson }}",
                "{% set n = namespace(l=[1]) %}{% for a in range(60) %}{% set n.l = [n.l, n.l] %}{% endfor %}{{ n.l == n.l * 1 }}"
                        + "{% set m = namespace(l=[1]) %}{% for a in range(60) %}{% set m.l = [m.l, m.l] %}{% endfor %}{{ n.l == m.l }}",
                "{% for a in range(99999) %}{{ long }}{% endfor %}",
                "{{ 'x' * 999999999 }}",
                "{{ [0] * 999999999 }}",
                "{{ 9 ** 999999 }}",
                "{{ 999999999999999999 * 999999999999999999 }}",
                "{{ 'x'.center(999999999) }}",
                "{{ 'x'.ljust(2000000000) }}",
                "{{ long.replace('a', long) }}",
                "{{ long.join(long) }}",
                "{{ long|list|join(long) }}",
                "{% for a in range(99999) %}{{ long.find(long ~ 'c') }}{% endfor %}",
                "{% for a in range(99999) %}{% if long == long ~ '' %}{% endif %}{% endfor %}",
                "{% for a in range(99999) %}{% set x = long[0] %}{% endfor %}",
                "{% for a in range(99999) %}{% set x = long|length %}{% endfor %}",
                "{{ long|list|unique|list|length }}{{ range(99999)|unique|list }}",
                "{{ range(99999)|map('string')|map('center', 9999)|list }}",
                "{{ [1]|batch(999999999, 0)|list }}",
                "{{ long|indent(1000)|indent(1000) * 999 }}",
                "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
                "{% macro m(n) %}{{ m(n + 1) ~ m(n + 1) }}{% endmacro %}{{ m(0) }}",
                "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}",
                "{% macro m() %}{{ caller() }}{% endmacro %}{% macro r() %}{% call m() %}{{ r() }}{% endcall %}{% endmacro %}{{ r() }}"
            })
    void what_grows_without_end_is_ended(String template) {
        refused(template);
    }

    @Test
    void what_is_nested_too_deep_is_refused() {
        for (String begin : List.of("(", "[", "{1:", "-", "not ", "a if b else ", "f(", "a[")) {
            refused("{{ " + begin.repeat(100_000) + "1 }}");
        }
        refused("{{ list" + ".a".repeat(100_000) + " }}");
        refused("{{ 1" + " + 1".repeat(100_000) + " }}");
        refused("{{ 1" + "|string".repeat(100_000) + " }}");
        refused("{{ x" + " and x".repeat(100_000) + " or y }}" + "{{ 1 ** 1".repeat(9) + " }}");
        refused("{% if true %}".repeat(50_000) + "{% endif %}".repeat(50_000));
        refused("{% set a = 1 %}" + "{% filter upper %}".repeat(500));
        refused(
                "{% set n = namespace(t=1) %}{% for a in range(9999) %}{% set n.t = (n.t,) %}{% endfor %}{{ {n.t: 1} }}");
        refused(
                "{% set n = namespace(t=1) %}{% for a in range(9999) %}{% set n.t = [n.t] %}{% endfor %}{{ n.t|string }}");
    }

    @Test
    void many_branches_and_texts_are_no_depth() {
        String branches = "{% if x == 0 %}".replace("x", "list|length");
        StringBuilder template = new StringBuilder(branches);
        for (int i = 10; i < 3000; i++) {
            template.append("{% elif list|length == ").append(i).append(" %}").append(i);
        }
        String text = Template.of(template + "{% else %}none{% endif %}")
                .render(VARIABLES, false)
                .text();
        assertEquals("none", text);
        assertEquals(
                5001,
                Template.of("{{ 'a'" + " ~ 'a'".repeat(5000) + " }}")
                        .render(VARIABLES, false)
                        .text()
                        .length());
    }

    @Test
    void nothing_of_java_or_python_is_reached() {
        for (String name : List.of(
                "getClass",
                "class",
                "hashCode",
                "toString",
                "__class__",
                "__init__",
                "__globals__",
                "mro",
                "encode",
                "format_map",
                "chars")) {
            for (String value :
                    List.of("''", "list", "map", "1", "1.5", "true", "range", "namespace()", "none", "(1,)")) {
                refused("{{ " + value + "." + name + "() }}");
                refused("{{ " + value + "['" + name + "']() }}");
                refused("{{ (" + value + "|attr('" + name + "'))() }}");
            }
        }
        for (String name : List.of("java", "System", "self", "config", "__builtins__", "open", "import", "eval")) {
            refused("{{ " + name + "('x') }}");
        }
        for (String tag : List.of("include 'x'", "import 'x' as y", "extends 'x'", "from 'x' import y", "do x")) {
            assertTrue(refused("{% " + tag + " %}").contains("is not known here"));
        }
        for (String method :
                List.of("append(1)", "pop()", "clear()", "insert(0, 1)", "reverse()", "sort()", "extend([1])")) {
            assertTrue(refused("{{ list." + method + " }}").contains("may not"));
        }
        assertEquals(
                "[1, 2, 3]", Template.of("{{ list }}").render(VARIABLES, false).text());
    }

    @Test
    void patterns_take_linear_time() {
        String zeros = "0".repeat(200_000);
        refused("{{ '%" + zeros + "d' % 1 }}");
        refused("{{ " + "9".repeat(200_000) + " }}");
        refused("{{ '" + "{".repeat(99_999) + "'.format(1) }}");
        assertEquals(
                "0",
                Template.of("{{ '" + zeros + "x'|int }}")
                        .render(VARIABLES, false)
                        .text());
        refused("{{ '" + "\\U00110000".repeat(1000) + "' }}");
        refused("{#" + "{% raw %}".repeat(50_000));
        refused("{% raw %}" + "{% endra".repeat(50_000));
    }

    @Test
    void many_macros_and_long_names_take_linear_time() {
        StringBuilder macros = new StringBuilder();
        for (int i = 0; i < 15_000; i++) {
            macros.append("{% macro m() %}{{ x").append(i).append(" }}{% endmacro %}");
        }
        assertTimeoutPreemptively(Duration.ofSeconds(20), () -> Template.of(macros.toString()));
        assertTrue(refused("{{ " + "a".repeat(2000) + " }}").contains("a name has more than"));
        refused("{% for a in range(99999) %}{{ long is sequence and {long ~ a: 1}[long ~ a] == 1 }}{% endfor %}");
    }

    @Test
    void a_thread_with_a_small_stack_is_enough() throws InterruptedException {
        List<Throwable> thrown = new ArrayList<>();
        Thread thread = new Thread(
                null,
                () -> {
                    refusedHere("{{ " + "(".repeat(100_000));
                    refusedHere("{% if a %}".repeat(100_000));
                    String macro =
                            "{% macro m(n) %}{% for a in [1] %}{% if true %}{{ [m(n + 1)]|join ~ '' }}{% endif %}"
                                    + "{% endfor %}{% endmacro %}{{ m(1) }}";
                    refusedHere(macro);
                    refusedHere("{{ 1" + " + 1".repeat(100_000) + " }}");
                    refusedHere(
                            "{% set n = namespace(t=1) %}{% for a in range(999) %}{% set n.t = [n.t] %}{% endfor %}{{ n.t|tojson }}");
                },
                "small",
                512 << 10);
        thread.setUncaughtExceptionHandler((t, e) -> thrown.add(e));
        thread.start();
        thread.join();
        assertEquals(List.of(), thrown);
    }

    @Test
    void an_interrupted_rendering_stops() {
        Template template = Template.of("{% for a in range(90000) %}{{ a }}{% endfor %}");
        Thread.currentThread().interrupt();
        try {
            assertThrows(StoppedException.class, () -> template.render(VARIABLES, false));
        } finally {
            assertTrue(Thread.interrupted());
        }
    }

    @Test
    void damaged_templates_end_in_errors_of_ours() throws IOException {
        JsonMapper json = JsonMapper.builder().build();
        List<String> sources = new ArrayList<>();
        try (InputStream in =
                        Objects.requireNonNull(HostileTemplateTest.class.getResourceAsStream("/chat/families.json"));
                InputStream more = Objects.requireNonNull(
                        HostileTemplateTest.class.getResourceAsStream("/chat/constructs.json"))) {
            json.readTree(in).get("templates").forEach(t -> sources.add(t.asText()));
            for (JsonNode c : json.readTree(more).get("cases")) {
                sources.add(c.get("template").asText());
            }
        }
        long seed = 20260101;
        Random random = new Random(seed);
        Map<String, Object> variables = Map.of(
                "messages",
                List.of(Map.of("role", "user", "content", "a"), Map.of("role", "assistant", "content", "b")),
                "words",
                List.of("b", "A"),
                "eos_token",
                "</s>");
        int rendered = 0;
        for (int i = 0; i < 3000; i++) {
            String source = sources.get(random.nextInt(sources.size()));
            StringBuilder damaged = new StringBuilder(source);
            for (int n = random.nextInt(4); n >= 0 && damaged.length() > 2; n--) {
                int at = random.nextInt(damaged.length());
                int end = Math.min(damaged.length(), at + 1 + random.nextInt(6));
                String part = damaged.substring(at, end);
                int to = random.nextInt(damaged.length());
                switch (random.nextInt(3)) {
                    case 0 -> damaged.delete(at, end);
                    case 1 -> damaged.insert(to, part);
                    default -> damaged.setCharAt(to, MARKS.charAt(random.nextInt(MARKS.length())));
                }
            }
            try {
                Template.of(damaged.toString()).render(variables, true);
                rendered++;
            } catch (BadInputException e) {
                String message = String.valueOf(e.getMessage());
                assertTrue(message.startsWith("a ") && message.endsWith("."), message);
            } catch (RuntimeException | StackOverflowError e) {
                throw new AssertionError("seed " + seed + ", template " + i + ": " + damaged, e);
            }
        }
        assertTrue(rendered > 250, rendered + " were rendered");
    }
}
