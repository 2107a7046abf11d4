package dev.peft4j.core.adapter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.TaskType;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MethodOptionTest {
    private static final MethodOption RANK = MethodOption.whole("--r", "R", 8, "rank");
    private static final MethodOption ALPHA = MethodOption.number("--alpha", "A", 16, "factor");
    private static final MethodOption TOKENS = MethodOption.wholeList("--tokens", "IDS", "tokens");
    private static final MethodOption INIT = MethodOption.text("--init", "KIND", "random", "first values");

    private static MethodValues values(Map<String, String> typed) {
        return new MethodValues(typed, text -> List.of(text.length()));
    }

    @Test
    void what_is_not_given_has_its_initial_value() {
        MethodValues none = values(Map.of());
        assertEquals(8, none.whole(RANK));
        assertEquals(16, none.number(ALPHA));
        assertEquals(List.of(), none.wholeList(TOKENS));
        assertEquals("random", none.text(INIT));
        assertNull(none.targetModules());
    }

    @Test
    void what_is_given_counts() {
        MethodValues given = values(Map.of("--r", "4", "--alpha", "1e-1", "--tokens", "3, 5", "--init", ""));
        assertEquals(4, given.whole(RANK));
        assertEquals(0.1, given.number(ALPHA));
        assertEquals(List.of(3, 5), given.wholeList(TOKENS));
        assertEquals("", given.text(INIT));
        assertEquals(List.of(5), given.tokens("hello"));
    }

    @ParameterizedTest
    @CsvSource({"--r,4.5,whole number", "--r,3000000000,2147483647", "--alpha,x,a number", "--alpha,NaN,a number"})
    void another_kind_is_refused_with_what_was_expected(String name, String typed, String expected) {
        MethodOption option = name.equals("--r") ? RANK : ALPHA;
        String message = assertThrows(IllegalArgumentException.class, () -> option.parse(typed))
                .getMessage();
        assertNotNull(message);
        assertTrue(message.startsWith(name + " " + typed + " was given") && message.contains(expected), message);
    }

    @Test
    void a_list_with_something_else_in_it_is_refused() {
        assertThrows(IllegalArgumentException.class, () -> TOKENS.parse("3,,5"));
        assertThrows(IllegalArgumentException.class, () -> TOKENS.parse("3,x"));
    }

    @Test
    void an_option_is_asked_for_as_it_was_declared() {
        MethodValues none = values(Map.of());
        assertThrows(IllegalArgumentException.class, () -> none.whole(INIT));
        assertThrows(IllegalArgumentException.class, () -> MethodOption.text("r", "R", "", ""));
    }

    @Test
    void layers_are_names_a_pattern_or_all() {
        String name = MethodOption.TARGET_MODULES.name();
        assertEquals(
                TargetModules.of(List.of("a", "b.c")),
                values(Map.of(name, "a,b.c")).targetModules());
        assertEquals(
                TargetModules.matching(".*a"), values(Map.of(name, "regex:.*a")).targetModules());
        assertEquals(
                TargetModules.allLinearLayers(),
                values(Map.of(name, "all-linear")).targetModules());
    }

    @Test
    void a_task_that_a_family_does_not_serve_is_told() {
        FamilyTraits traits = FamilyTraits.builder("base.")
                .targets("LORA", "q")
                .head(TaskType.CAUSAL_LM, "head", "ToyForCausalLM")
                .build();
        assertEquals("ToyForCausalLM", traits.className(TaskType.CAUSAL_LM));
        assertEquals(List.of("q"), traits.targets("LORA"));
        assertEquals(List.of(), traits.targets("IA3"));
        assertThrows(IllegalArgumentException.class, () -> traits.className(TaskType.SEQ_CLS));
    }
}
