package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.models.CausalModel;
import dev.peft4j.models.GenerationConfig;
import dev.peft4j.models.KeyValueCache;
import dev.peft4j.models.TextGenerator;
import dev.peft4j.prompt.PrefixTuningConfig;
import dev.peft4j.prompt.PromptTuningConfig;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A prompt that is read in pieces gives what it gives when it is read whole. */
class PromptPiecesTest {
    private static final int LONG = 20; // beyond the first contexts of the scaled rotations, which are 12
    private static final double CLOSE = 2e-5;
    private static final GenerationConfig GREEDY = GenerationConfig.greedy(6).withStopTokens(Set.of());

    private static int[] prompt(int length, int from) {
        int[] ids = new int[length];
        Arrays.setAll(ids, i -> 3 + (7 * i + 11 * from + i * i) % 50);
        return ids;
    }

    private static float[] whole(CausalModel model, List<Adapter> adapters, int[] ids) {
        return inPieces(model, adapters, ids, ids.length);
    }

    /** Logits behind the last token. */
    private static float[] inPieces(CausalModel model, List<Adapter> adapters, int[] ids, int most) {
        try (KeyValueCache cache = model.newCache(1, ids.length + 8);
                Arena arena = new Arena(DType.F32)) {
            float[] logits = {};
            for (int from = 0; from < ids.length; from += most) {
                int to = Math.min(ids.length, from + most);
                cache.goOnWith(new int[] {0}, new int[] {ids.length - to});
                try (Pass pass = Pass.inference(model.backend(), arena)) {
                    Call call = Call.of(pass, adapters);
                    Node hidden = model.hidden(call, PackedBatch.of(Arrays.copyOfRange(ids, from, to)), cache);
                    Tensor scores = model.head().logits(call, hidden).value();
                    logits = scores.rows(scores.rows() - 1, 1).toFloats();
                }
            }
            return logits;
        }
    }

    private static void assertAlike(CausalModel model, List<Adapter> adapters) {
        int[] ids = prompt(LONG, 1);
        float[] expected = whole(model, adapters, ids);
        for (int most : new int[] {1, 3, 7, 19}) {
            double distance = Compositions.distance(expected, inPieces(model, adapters, ids, most));
            assertTrue(distance < CLOSE, most + " tokens in a pass: off by " + distance);
        }
        List<int[]> prompts = List.of(prompt(LONG, 1), prompt(2, 2), prompt(17, 3), prompt(1, 4), prompt(5, 5));
        List<int[]> texts = new ArrayList<>();
        try (TextGenerator generator = new TextGenerator(model, adapters)) {
            prompts.forEach(p -> texts.add(generator.generate(p, GREEDY)));
        }
        for (int most : new int[] {1, 4, 7, 16}) {
            try (TextGenerator generator = new TextGenerator(model, pass -> Call.of(pass, adapters), most)) {
                List<int[]> together = generator.generate(prompts, GREEDY);
                for (int i = 0; i < prompts.size(); i++) {
                    assertArrayEquals(texts.get(i), together.get(i), most + " tokens in a pass, prompt " + i);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "gpt2",
                "llama",
                "llama3_rope",
                "llama_dynamic",
                "llama_yarn",
                "llama_tied",
                "mistral",
                "phi3",
                "phi3_longrope",
                "qwen2",
                "qwen2_yarn",
                "qwen3",
                "smollm3",
                "gemma2",
                "gemma3_text"
            })
    void pieces_give_what_the_whole_gives(String family) throws IOException {
        try (CausalModel model = (CausalModel) Compositions.open(family)) {
            assertAlike(model, List.of());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "llama", "llama_dynamic", "phi3_longrope", "gemma3_text"})
    void pieces_stand_behind_the_rows_and_keys_of_adapters(String family) throws IOException {
        try (Model model = Compositions.open(family);
                Adapter prompt = Compositions.adapter(model, PromptTuningConfig.of(3), 4);
                Adapter prefix = Compositions.adapter(model, PrefixTuningConfig.of(2), 5)) {
            assertAlike((CausalModel) model, List.of(prompt));
            assertAlike((CausalModel) model, List.of(prefix));
            assertAlike((CausalModel) model, List.of(prefix, prompt));
        }
    }

    /** Rotations by length: a piece that knew only its own end would be rotated in another way. */
    @ParameterizedTest
    @ValueSource(strings = {"llama_dynamic", "phi3_longrope"})
    void a_piece_is_rotated_by_the_length_of_the_whole(String family) throws IOException {
        try (CausalModel model = (CausalModel) Compositions.open(family);
                Arena arena = new Arena(DType.F32)) {
            int[] first = Arrays.copyOf(prompt(LONG, 1), 6);
            List<float[]> states = new ArrayList<>();
            for (int toCome : new int[] {0, LONG - 6}) {
                try (KeyValueCache own = model.newCache(1, LONG);
                        Pass pass = Pass.inference(model.backend(), arena)) {
                    own.goOnWith(new int[] {0}, new int[] {toCome});
                    states.add(model.hidden(Call.of(pass), PackedBatch.of(first), own)
                            .value()
                            .toFloats());
                }
            }
            assertTrue(Compositions.distance(states.get(0), states.get(1)) > 100 * CLOSE);
        }
    }

    /** What the memory of a pass grows with. */
    @Test
    void no_pass_has_more_rows_than_it_may_have() throws IOException {
        try (CausalModel model = (CausalModel) Compositions.open("gpt2");
                Adapter prompt = Compositions.adapter(model, PromptTuningConfig.of(3), 4);
                RowCounts rows = new RowCounts();
                TextGenerator generator = new TextGenerator(model, pass -> Call.of(pass, List.of(rows, prompt)), 8)) {
            List<int[]> prompts = List.of(prompt(3, 1), prompt(5, 2), prompt(20, 3), prompt(2, 4), prompt(8, 5));
            generator.generate(prompts, GenerationConfig.greedy(2).withStopTokens(Set.of()));
            // the third in pieces of 6, 7 and 7, the first two, the fourth, the fifth, and one step of all
            assertEquals(List.of(3 + 6, 7, 7, 3 + 3 + 3 + 5, 3 + 2, 3 + 8, 5), rows.counts());
        }
    }

    @Test
    void a_cache_says_what_it_cannot_go_on_with() throws IOException {
        try (CausalModel model = (CausalModel) Compositions.open("llama");
                KeyValueCache cache = model.newCache(3, 8);
                Arena arena = new Arena(DType.F32)) {
            int[] none = {};
            for (int[] bad : new int[][] {none, {3}, {-1}, {1, 1}}) {
                String message =
                        Compositions.message(BadInputException.class, () -> cache.goOnWith(bad, new int[bad.length]));
                assertTrue(message.contains("3 sequences"), message);
            }
            Compositions.message(BadInputException.class, () -> cache.goOnWith(new int[] {0}, new int[2]));
            Compositions.message(BadInputException.class, () -> cache.goOnWith(new int[] {0}, new int[] {-1}));
            cache.goOnWith(new int[] {2}, new int[1]);
            try (Pass pass = Pass.inference(model.backend(), arena)) {
                model.hidden(Call.of(pass), PackedBatch.of(new int[] {1, 2}), cache);
            }
            String message =
                    Compositions.message(BadInputException.class, () -> cache.goOnWith(new int[] {1, 2}, new int[2]));
            assertTrue(message.contains("two batches"), message);
            cache.goOnWith(new int[] {0, 1}, new int[2]);
            String zero = Compositions.message(
                    BadInputException.class, () -> new TextGenerator(model, pass -> Call.of(pass), 0));
            assertTrue(zero.contains("at least 1"), zero);
        }
    }
}
