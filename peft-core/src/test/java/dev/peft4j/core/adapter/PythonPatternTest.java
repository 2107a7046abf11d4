package dev.peft4j.core.adapter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.format.Json;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiPredicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Against what Python's {@code re} says, in a table that {@code scripts/make-pattern-table.py} made. Two things are refused that Python knows: thousands of
 * repeats, and conditions on groups that are not closed.
 */
class PythonPatternTest {
    private static final Pattern NOT_READ = Pattern.compile("\\{[0-9]{4,}\\}|\\(\\?\\([12]\\)");

    private final List<String> names = new ArrayList<>();
    private final List<List<?>> rows = new ArrayList<>();

    PythonPatternTest() throws IOException {
        try (InputStream in =
                Objects.requireNonNull(PythonPatternTest.class.getResourceAsStream("/python-patterns.json"))) {
            Map<String, Object> table = Json.parse(new String(in.readAllBytes(), StandardCharsets.UTF_8));
            ((List<?>) Objects.requireNonNull(table.get("names"))).forEach(n -> names.add((String) n));
            ((List<?>) Objects.requireNonNull(table.get("patterns"))).forEach(row -> rows.add((List<?>) row));
        }
    }

    /** Numbers of the names that match; null if the expression is refused. */
    private @Nullable List<Integer> matched(String pattern, BiPredicate<String, String> match) {
        try {
            List<Integer> found = new ArrayList<>();
            for (int i = 0; i < names.size(); i++) {
                if (match.test(pattern, names.get(i))) {
                    found.add(i);
                }
            }
            return found;
        } catch (IllegalArgumentException e) {
            assertTrue(e.getMessage().contains("cannot be read as a regular expression"), e.getMessage());
            return null;
        }
    }

    private void check(int column, BiPredicate<String, String> match) {
        StringBuilder differences = new StringBuilder();
        for (List<?> row : rows) {
            String pattern = (String) row.get(0);
            List<Integer> found = matched(pattern, match);
            boolean isLeftOut = found == null && NOT_READ.matcher(pattern).find();
            if (!isLeftOut && !Objects.equals(row.get(column), found)) {
                differences.append("\n" + pattern + "  Python: " + row.get(column) + ", here: " + found);
            }
        }
        assertEquals("", differences.toString());
    }

    @Test
    void a_whole_name_matches_where_it_does_in_python() {
        check(1, (pattern, name) -> PythonPattern.compile("target_modules", pattern)
                .matcher(name)
                .matches());
    }

    @Test
    void a_key_means_the_layers_that_it_means_in_python() {
        check(2, (pattern, name) -> NamePattern.value(Map.of(pattern, true), name, false));
    }

    @Test
    void the_first_key_that_matches_counts() {
        Map<String, Integer> ranks = new LinkedHashMap<>();
        ranks.put("layers.1.q_proj", 1);
        ranks.put(".*_proj", 2);
        ranks.put("q_proj", 3);
        assertEquals(1, NamePattern.value(ranks, "model.layers.1.q_proj", 0));
        assertEquals(2, NamePattern.value(ranks, "model.layers.0.q_proj", 0));
        assertEquals(2, NamePattern.value(ranks, "model.layers.11.q_proj", 0));
        assertEquals(0, NamePattern.value(ranks, "model.layers.0.mlp", 0));
    }

    @Test
    void a_group_that_asks_for_the_number_of_a_block_keeps_its_name() {
        Pattern pattern = PythonPattern.compile("layers_pattern", "(?:^|.*?\\.)h\\.(?P<idx>\\d+)\\.");
        var matcher = pattern.matcher("transformer.h.12.attn");
        assertTrue(matcher.lookingAt());
        assertEquals("12", matcher.group("idx"));
    }

    @Test
    void sizes_are_bounded() {
        for (String pattern : List.of("a".repeat(20_000), "(".repeat(5000) + ")".repeat(5000), "a{2000000000}")) {
            IllegalArgumentException e = assertThrows(
                    IllegalArgumentException.class, () -> PythonPattern.compile("target_modules", pattern));
            assertTrue(e.getMessage().contains("it has more than "), e.getMessage());
        }
    }

    /** They would match nothing in 2^40 ways, and not look at the text while they do. */
    @ParameterizedTest
    @ValueSource(strings = {"(.*)*", "(a|.?)*", "(.*)?", "(|)", "(?:a?|b?)"})
    @Timeout(20)
    void expressions_that_match_nothing_in_many_ways_are_refused(String part) {
        String pattern = part.repeat(40) + "x";
        assertNull(matched(pattern, (p, name) -> PythonPattern.compile("target_modules", p)
                .matcher(new BoundedText(name))
                .matches()));
        PythonPattern.compile("target_modules", part.repeat(3) + "x");
    }
}
