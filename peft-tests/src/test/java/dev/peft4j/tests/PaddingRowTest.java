package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.FullFineTuning;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The row of the padding token gets no gradient by being looked up, in families whose table of transformers has a {@code padding_idx}. */
class PaddingRowTest {
    @ParameterizedTest
    @ValueSource(strings = {"mistral", "qwen2", "phi3"}) // whose heads are not tied to the table
    void a_padding_token_in_a_text_trains_no_row(String family) throws IOException {
        try (Model model = Models.load(Methods.MODELS.resolve(family), Backend.host(), 0, 0);
                Adapter all = new FullFineTuning(model);
                Arena arena = new Arena(DType.F32)) {
            PackedBatch batch = PackedBatch.of(
                    List.of(PackedBatch.Sequence.labelled(new int[] {5, 0, 9, 7}, new int[] {5, 0, 9, 7})));
            try (Pass pass = Pass.differentiable(model.backend(), arena)) {
                model.loss(Call.of(pass, all), batch, 1);
                pass.backward();
            }
            Parameter table = all.parameters().stream()
                    .filter(p -> p.name().equals("model.embed_tokens.weight"))
                    .findFirst()
                    .orElseThrow();
            assertEquals(0, model.backend().kernels().sumOfSquares(table.grad().rows(0, 1)));
            assertTrue(model.backend().kernels().sumOfSquares(table.grad().rows(5, 1)) > 0);
        }
    }
}
