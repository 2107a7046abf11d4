package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.peft4j.core.tensor.Backend;
import dev.peft4j.models.CausalModel;
import dev.peft4j.models.GenerationConfig;
import dev.peft4j.models.Models;
import dev.peft4j.models.TextGenerator;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Texts of different lengths that are continued together and grow beyond the first context of LongRoPE, where keys that were made before are made again. */
class GrowingTextsTest {
    private static final int FIRST_CONTEXT = 12;
    private static final int[] SHORT = {7, 30, 11, 5, 48, 21, 9};

    private static int[] prompt(int length) {
        int[] ids = new int[length];
        for (int i = 0; i < length; i++) {
            ids[i] = 3 + (7 * i + length) % 50;
        }
        return ids;
    }

    private static void assertAlike(List<int[]> prompts, GenerationConfig config) throws IOException {
        try (CausalModel model =
                        (CausalModel) Models.load(Methods.MODELS.resolve("phi3_longrope"), Backend.host(), 0, 0);
                TextGenerator generator = new TextGenerator(model, List.of())) {
            assertEquals(FIRST_CONTEXT, model.keysHoldTo());
            List<int[]> together = generator.generate(prompts, config);
            for (int i = 0; i < prompts.size(); i++) {
                int[] alone = generator.generate(prompts.get(i), config.withoutCache());
                assertArrayEquals(alone, together.get(i), "prompt " + i);
            }
        }
    }

    @Test
    void texts_that_grow_beyond_at_different_times_are_what_they_are_alone() throws IOException {
        List<int[]> prompts = new ArrayList<>(List.of(SHORT));
        for (int length = 1; length < 20; length += 3) {
            prompts.add(prompt(length));
        }
        assertAlike(prompts, GenerationConfig.greedy(14).withStopTokens(Set.of()));
    }

    @Test
    void a_text_that_ends_right_behind_the_first_context_stays_beside_one_that_goes_on() throws IOException {
        int[] ends = prompt(FIRST_CONTEXT + 1);
        int stop;
        try (CausalModel model =
                        (CausalModel) Models.load(Methods.MODELS.resolve("phi3_longrope"), Backend.host(), 0, 0);
                TextGenerator generator = new TextGenerator(model, List.of())) {
            GenerationConfig one = GenerationConfig.greedy(1).withStopTokens(Set.of());
            stop = generator.generate(ends, one)[0];
        }
        assertAlike(List.of(SHORT, ends), GenerationConfig.greedy(14).withStopTokens(Set.of(stop)));
    }
}
