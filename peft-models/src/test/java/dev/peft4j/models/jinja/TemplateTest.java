package dev.peft4j.models.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BadInputException;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a template says when it is wrong, and what Python cannot be asked for in advance. */
class TemplateTest {
    private static String render(String template) {
        return Template.of(template).render(Map.of(), true).text();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "`a\n{{ 1 + }}` | line 2 | stands where a value was expected",
                "`a\n\n{% if x %}` | line 3 | 'endif",
                "`a\n{# b` | line 2 | a comment begins",
                "`{{ x\n\n\n` | line 3 | a tag begins that does not end",
                "`a\n{% for x y %}` | line 2 | 'in' was expected, found 'y'",
                "`{% raw %}\n{{ x }}` | line 1 | raw text begins",
                "`\n\n{{ 'a\n' | nope }}` | line 4 | the filter 'nope' stands, which Jinja does not have",
                "`\n{{ x | urlize }}` | line 2 | the filter 'urlize' stands, which is not known here",
                "`\n{{ x is odd and x is weird }}` | line 2 | the test 'weird'",
                "`\n{{ f(a=1, 2) }}` | line 2 | not in order",
                "`\n{% set true = 1 %}` | line 2 | is one itself",
                "`{% macro f(a=1, b) %}{% endmacro %}` | line 1 | a parameter without a default",
                "`{{ 1.5x }}` | line 1 | goes on with letters",
                "`{{ a ? b }}` | line 1 | the character '?'",
                "`{% for a in b %}{% endif %}` | line 1 | '{% endif %}' stands where '{% else %}' or '{% endfor %}'",
                "`{% for a in b %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}` | line 1 | outside of a loop",
                "`{{ '\\x0' }}` | line 1 | hexadecimal"
            })
    void a_syntax_error_names_its_line(String template, String line, String problem) {
        String message = String.valueOf(assertThrows(BadInputException.class, () -> Template.of(template))
                .getMessage());
        assertTrue(message.contains("in " + line + " of it"), message);
        String shown = problem.startsWith("'endif") ? "{% endif %}" : problem;
        assertTrue(message.contains(shown), message);
    }

    @Test
    void an_error_while_rendering_names_its_line() {
        String template = "{% macro m(x) %}\n{{ x }}\n{% endmacro %}\n{{ m(1) }}\n{{ m(2) ~\n none.a.b }}";
        String message = String.valueOf(
                assertThrows(BadInputException.class, () -> render(template)).getMessage());
        assertTrue(message.contains("in line 5 of it"), message);
    }

    @Test
    void a_filter_in_a_branch_that_is_not_taken_is_no_error() {
        assertEquals("b", render("{% if false %}{{ 'a' | nope }}{% else %}b{% endif %}"));
        String message = String.valueOf(
                assertThrows(BadInputException.class, () -> render("{% if true %}{{ 'a' | nope }}{% endif %}"))
                        .getMessage());
        assertTrue(message.contains("the filter 'nope'"), message);
    }

    @Test
    void what_a_template_raises_is_said() {
        String message = String.valueOf(
                assertThrows(BadInputException.class, () -> render("{{ raise_exception('Only two roles!') }}"))
                        .getMessage());
        assertTrue(message.contains("its template refuses it: Only two roles! "), message);
    }

    @Test
    void the_time_is_written_as_python_writes_it() {
        Clock clock = Clock.fixed(Instant.parse("2024-03-05T07:08:09.000123Z"), ZoneOffset.UTC);
        String format = "%d %b %Y|%A, %B %e|%-d.%-m.%y|%H:%M:%S.%f|%I %p|%j|%F %T|%D|%%";
        Rendering made = Template.of("{{ strftime_now(f) }}").render(Map.of("f", format), false, clock);
        // datetime(2024, 3, 5, 7, 8, 9, 123).strftime(format)
        assertEquals(
                "05 Mar 2024|Tuesday, March  5|5.3.24|07:08:09.000123|07 AM|065|2024-03-05 07:08:09|03/05/24|%",
                made.text());
    }

    @Test
    void the_places_of_generation_blocks_count_chars_of_java() {
        Template template = Template.of(
                "\ud83d\ude00{% generation %}\u00e9\ud83d\ude00{% endgeneration %}x{% generation %}{% endgeneration %}");
        assertTrue(template.generates());
        assertEquals(
                List.of(new Rendering.Span(2, 5), new Rendering.Span(6, 6)),
                template.render(Map.of(), true).generated());
        assertEquals(List.of(), template.render(Map.of(), false).generated());
        assertFalse(Template.of("{{ '{% generation %}' }}").generates());
    }

    @Test
    void a_generation_block_whose_place_is_not_known_is_refused_only_where_it_is_asked_for() {
        String template = "{% macro m() %}{% generation %}a{% endgeneration %}{% endmacro %}{{ m() }}";
        assertEquals("a", Template.of(template).render(Map.of(), false).text());
        assertThrows(BadInputException.class, () -> Template.of(template).render(Map.of(), true));
    }

    @Test
    void values_that_are_none_of_a_template_are_refused() {
        assertThrows(
                BadInputException.class, () -> Template.of("a").render(Map.of("x", new StringBuilder("a")), false));
    }
}
