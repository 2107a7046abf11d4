package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.models.CausalModel;
import dev.peft4j.models.GenerationConfig;
import dev.peft4j.models.TextGenerator;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The sites that are not layers: rows in front of the input, keys and values, places behind sub-layers. */
class SitesTest {
    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "llama"})
    void rows_in_front_of_the_input_equal_tokens_with_these_embeddings(String family) throws IOException {
        String name = family.equals("gpt2") ? "transformer.wte.weight" : "model.embed_tokens.weight";
        try (Model model = Compositions.open(family);
                Adapter sites = new SitesAdapter(model, true, false, false)) {
            Compositions.logits(model, List.of(sites)); // makes its rows
            Parameter rows = sites.parameters().get(0);
            rows.value().copyFrom(BaseTensors.dense(model, name).rows(20, SitesAdapter.ROWS));
            float[] attached = Compositions.logits(model, List.of(sites));
            try (Arena arena = new Arena(DType.F32);
                    Pass pass = Pass.inference(model.backend(), arena)) {
                PackedBatch longer = PackedBatch.of(
                        new int[] {20, 21, 5, 9, 2, 7, 30, 4}, new int[] {20, 21, 11, 3}, new int[] {20, 21, 8, 8, 1});
                float[] plain = model.logits(Call.of(pass), longer).value().toFloats();
                assertTrue(Compositions.distance(plain, attached) < 1e-5);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "llama", "bert"})
    void every_site_changes_the_result_and_generation_takes_part(String family) throws IOException {
        for (int site = 0; site < 3; site++) {
            try (Model model = Compositions.open(family);
                    Adapter sites = new SitesAdapter(model, site == 0, site == 1, site == 2)) {
                float[] base = Compositions.logits(model, List.of());
                float[] changed = Compositions.logits(model, List.of(sites));
                assertTrue(
                        changed.length != base.length || Compositions.distance(base, changed) > 1e-5, "site " + site);
                if (model instanceof CausalModel causal) {
                    try (TextGenerator generator = new TextGenerator(causal, List.of(sites))) {
                        int[] prompt = {5, 9, 2};
                        GenerationConfig greedy = GenerationConfig.greedy(6).withStopTokens(Set.of());
                        int[] cached = generator.generate(prompt, greedy);
                        assertArrayEquals(cached, generator.generate(prompt, greedy.withoutCache()));
                    }
                }
            }
        }
    }
}
