package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.compose.Active;
import dev.peft4j.core.compose.PeftModel;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.model.Model;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.CausalModel;
import dev.peft4j.models.GenerationConfig;
import dev.peft4j.models.TextGenerator;
import dev.peft4j.prompt.PrefixTuningConfig;
import dev.peft4j.prompt.PromptTuningConfig;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Texts that are continued together and end at different times: each is what it is alone, and one that has ended takes no part any more. */
class EndingTextsTest {
    private static final List<int[]> PROMPTS = List.of(
            new int[] {5, 9, 2, 7}, new int[] {11}, new int[] {3, 8, 30}, new int[] {22, 6}, new int[] {17, 40, 4});
    private static final GenerationConfig ALL =
            GenerationConfig.sampled(16, 1.5, 7).withStopTokens(Set.of());

    /** Stop tokens with which one text ends at once, and others at different times. */
    private static Set<Integer> stops(List<int[]> texts) {
        Set<Integer> stops = new HashSet<>(Set.of(texts.get(1)[0]));
        for (int t = 0; t < texts.size() && lengths(texts, stops).size() < 3; t++) {
            for (int at = 3; at < 12 && lengths(texts, stops).size() < 3; at++) {
                Set<Integer> more = new HashSet<>(stops);
                more.add(texts.get(t)[at]);
                stops = lengths(texts, more).size() > lengths(texts, stops).size() ? more : stops;
            }
        }
        Set<Integer> lengths = lengths(texts, stops);
        assertTrue(lengths.contains(0) && lengths.size() >= 3, "lengths " + lengths);
        return stops;
    }

    private static Set<Integer> lengths(List<int[]> texts, Set<Integer> stops) {
        Set<Integer> lengths = new HashSet<>();
        for (int[] text : texts) {
            int end = 0;
            while (end < text.length && !stops.contains(text[end])) {
                end++;
            }
            lengths.add(end);
        }
        return lengths;
    }

    private static void assertEachIsAsAlone(
            CausalModel model, Function<Pass, Call> together, List<Function<Pass, Call>> each) {
        List<int[]> texts = new ArrayList<>();
        for (int i = 0; i < PROMPTS.size(); i++) {
            texts.add(alone(model, each.get(i), i, ALL));
        }
        for (Set<Integer> stop : List.of(Set.<Integer>of(), stops(texts))) {
            GenerationConfig config = ALL.withStopTokens(stop);
            try (TextGenerator generator = new TextGenerator(model, together)) {
                List<int[]> cached = generator.generate(PROMPTS, config);
                List<int[]> plain = generator.generate(PROMPTS, config.withoutCache());
                for (int i = 0; i < PROMPTS.size(); i++) {
                    int[] expected = alone(model, each.get(i), i, config);
                    assertArrayEquals(expected, cached.get(i), "text " + i + " ends at " + stop);
                    assertArrayEquals(expected, plain.get(i), "text " + i + " without a cache ends at " + stop);
                }
            }
        }
    }

    private static int[] alone(CausalModel model, Function<Pass, Call> call, int prompt, GenerationConfig config) {
        try (TextGenerator generator = new TextGenerator(model, call)) {
            return generator.generate(PROMPTS.get(prompt), config.withoutCache());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "llama", "gemma3_text", "phi3_longrope"})
    void texts_of_a_base_are_what_they_are_alone(String family) throws IOException {
        try (Model model = Compositions.open(family)) {
            Function<Pass, Call> base = Call::of;
            assertEachIsAsAlone((CausalModel) model, base, List.of(base, base, base, base, base));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "llama", "gemma3_text", "phi3_longrope"})
    void texts_with_adapters_of_their_own_are_what_they_are_alone(String family) throws IOException {
        try (Model model = Compositions.open(family);
                PeftModel peft = new PeftModel(model)) {
            List<PeftConfig> configs = List.of(LoraConfig.of(4, 8), PrefixTuningConfig.of(3), PromptTuningConfig.of(2));
            List<String> names = List.of("low", "prefix", "prompt");
            for (int i = 0; i < names.size(); i++) {
                peft.add(names.get(i), Compositions.adapter(model, configs.get(i), 20 + i));
            }
            Active each = Active.perSequence(
                    List.of(List.of("low"), List.of("prefix"), List.of("low"), List.of(), List.of("prompt", "low")));
            List<Function<Pass, Call>> alone = new ArrayList<>();
            for (List<String> set : each.sets()) {
                alone.add(pass -> peft.call(pass, Active.of(set.toArray(String[]::new))));
            }
            assertEachIsAsAlone((CausalModel) model, pass -> peft.call(pass, each), alone);
        }
    }

    @Test
    void adapters_for_more_texts_than_there_are_prompts_are_refused() throws IOException {
        try (Model model = Compositions.open("gpt2");
                PeftModel peft = new PeftModel(model)) {
            peft.add("low", Compositions.adapter(model, LoraConfig.of(4, 8), 3));
            Active three = Active.perSequence("low", Active.BASE, "low");
            try (TextGenerator generator = new TextGenerator((CausalModel) model, pass -> peft.call(pass, three))) {
                String message = Compositions.message(
                        BadInputException.class, () -> generator.generate(PROMPTS.subList(0, 2), ALL));
                assertTrue(message.contains("3 sequences") && message.contains("has 2"), message);
            }
        }
    }

    @Test
    void a_call_for_some_of_the_texts_has_their_adapters() throws IOException {
        try (Model model = Compositions.open("gpt2");
                Adapter one = new RowCounts();
                Adapter two = new RowCounts();
                TextGenerator generator = new TextGenerator((CausalModel) model, pass -> {
                    Call call = Call.perSequence(pass, List.of(List.of(one), List.of(two), List.of(one), List.of()));
                    Call some = call.forSequences(0, 2, 3);
                    assertEquals(3, some.sequences());
                    assertEquals(2, some.parts().size());
                    assertEquals(List.of(one), some.parts().get(0).adapters());
                    assertEquals(2, some.parts().get(0).sequences());
                    assertEquals(List.of(), some.parts().get(1).adapters());
                    Call last = some.forSequences(2);
                    assertTrue(!last.isSplit() && last.adapters().isEmpty() && last.sequences() == 1);
                    assertThrows(BadInputException.class, () -> call.forSequences(4));
                    assertThrows(BadInputException.class, () -> call.forSequences(-1));
                    Call all = Call.of(pass, one);
                    assertEquals(all, all.forSequences(7));
                    return all;
                })) {
            GenerationConfig once = GenerationConfig.greedy(1).withStopTokens(Set.of());
            assertEquals(1, generator.generate(PROMPTS.get(0), once).length);
        }
    }

    @Test
    void a_text_that_has_ended_has_no_rows_any_more() throws IOException {
        try (Model model = Compositions.open("gpt2");
                RowCounts rows = new RowCounts();
                TextGenerator generator = new TextGenerator((CausalModel) model, List.of(rows))) {
            List<int[]> texts = generator.generate(PROMPTS, ALL);
            int[] lengths = generator.generate(PROMPTS, ALL.withStopTokens(stops(texts))).stream()
                    .mapToInt(t -> t.length)
                    .toArray();
            rows.clear();
            generator.generate(PROMPTS, ALL.withStopTokens(stops(texts)));
            List<Integer> expected = new ArrayList<>();
            expected.add(PROMPTS.stream().mapToInt(p -> p.length).sum());
            for (int step = 1; step < 16; step++) {
                int known = step;
                int running =
                        (int) Arrays.stream(lengths).filter(n -> n >= known).count();
                if (running > 0) {
                    expected.add(running);
                }
            }
            assertEquals(expected, rows.counts());
        }
    }
}
