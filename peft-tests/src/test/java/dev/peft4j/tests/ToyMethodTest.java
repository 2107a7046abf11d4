package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.core.train.TrainingResult;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A method that lives outside of the library is found, trained, saved and loaded by what the library has for all methods. */
class ToyMethodTest {
    @TempDir
    Path dir;

    @Test
    void a_method_from_the_class_path_is_trained_saved_and_loaded() throws IOException {
        Path directory = Shared.root().resolve("peft-tests/src/test/resources/golden/models/gpt2");
        List<PackedBatch.Sequence> records = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            int[] ids = {i, i + 1, i + 2, i + 3};
            records.add(PackedBatch.Sequence.labelled(ids, ids));
        }
        try (Model model = Models.load(directory, Backend.host(), 0, 0);
                Adapter toy = AdapterFiles.method("TOY").create(new ToyMethod.Config("c_proj"), model, 0)) {
            TrainingResult result =
                    new Trainer(model, toy, TrainingConfig.of(60, 5, 5e-2), List.of()).train(records, records);
            assertNotNull(result.base());
            assertNotNull(result.tuned());
            assertTrue(result.tuned().loss() < 0.9 * result.base().loss(), result.toString());
            AdapterFiles.save(dir.resolve("toy"), model, toy);
            try (Adapter back = AdapterFiles.load(dir.resolve("toy"), model)) {
                for (int i = 0; i < toy.parameters().size(); i++) {
                    assertArrayEquals(
                            toy.parameters().get(i).value().toFloats(),
                            back.parameters().get(i).value().toFloats());
                }
            }
        }
    }
}
