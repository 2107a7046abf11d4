package dev.peft4j.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Expressions of tokenizers: which are safe to search for, and how short their matches are. */
class RegexPatternTest {
    private static final double LONG = 1 << 20;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
                "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
                "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}]*[\\p{Ll}\\p{M}]+(?i:'s|'t)?|[^\\r\\n\\p{L}]?[\\p{Lu}]+[\\p{Ll}]*(?i:'s)?|\\p{N}{1,3}",
                " ?[^(\\s|[.,!?…。，、।۔،])]+",
                "\\p{N}{1,3}+",
                "[一-龥぀-ゟ゠-ヿ]+",
                "(?:[a-z]|[A-Z])+",
                "[[:alpha:]_]++\\b(?=x)(?<=y)",
                " {2,}",
            })
    void expressions_of_real_tokenizers_take_few_steps(String source) {
        assertTrue(RegexPattern.of(source).steps(LONG) < 5 * LONG, source);
    }

    @ParameterizedTest
    @ValueSource(strings = {"(a+)+$", "(a|aa)+b", "(?:\\w+\\s?)*$", "\\s*\\s*\\s*x", "(a*b?)+c", "(x+x+)+y"})
    void expressions_that_go_back_too_often_are_known(String source) {
        double steps = Double.POSITIVE_INFINITY;
        try {
            steps = RegexPattern.of(source).steps(LONG);
        } catch (IllegalArgumentException e) {
            assertTrue(e.getMessage().contains("character"), e.getMessage());
        }
        assertTrue(steps > 1e7, source + ": " + steps);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "(a",
                "a)",
                "[a",
                "[]",
                "*a",
                "(a*)*",
                "(a)\\1",
                "\\k<x>",
                "(?<x>a)",
                "\\g<0>",
                "(?{x})",
                "(*FAIL)",
                "(?x) a b",
                "(?<=a*)b",
                "\\K",
                "\\R",
                "\\p",
                "\\xg1",
                "a{2,1}",
                "a{1000000}",
                "a\\",
                "(?#x)",
                "(?~a)",
                "[[:no such]"
            })
    void what_is_not_understood_is_refused(String source) {
        assertThrows(IllegalArgumentException.class, () -> RegexPattern.of(source), source);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "a; 1",
                "a*; 0",
                "^; 0",
                "a|; 0",
                "ab?c{3}; 4",
                "(?=a); 0",
                "(?i)ab; 2",
                "[^a]; 1",
                "\\p{L}+x; 2",
                "a{,3}; 0",
                "\\b; 0",
                "a{2}?; 0"
            })
    void the_shortest_match_is_known(String source, int shortest) {
        assertEquals(shortest, RegexPattern.of(source).shortest());
    }

    @Test
    void many_brackets_are_refused() {
        assertThrows(IllegalArgumentException.class, () -> RegexPattern.of("(".repeat(60) + "a" + ")".repeat(60)));
        assertThrows(IllegalArgumentException.class, () -> RegexPattern.of("a".repeat(5000)));
    }
}
