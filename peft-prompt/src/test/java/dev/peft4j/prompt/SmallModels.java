package dev.peft4j.prompt;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Models of a few thousand parameters, and what they compute. */
final class SmallModels {
    private SmallModels() {}

    static Model open(String family) throws IOException {
        Path models = Path.of(System.getProperty("peft4j.root", ".."), "peft-tests/src/test/resources/golden/models");
        return Models.load(models.resolve(family), Backend.host(), 0, 0);
    }

    static float[] logits(Model model, Adapter... adapters) {
        try (Arena arena = new Arena(DType.F32);
                Pass pass = Pass.inference(model.backend(), arena)) {
            PackedBatch batch = PackedBatch.of(new int[] {5, 9, 2, 7, 30, 4}, new int[] {11, 3});
            return model.logits(Call.of(pass, List.of(adapters)), batch).value().toFloats();
        }
    }
}
