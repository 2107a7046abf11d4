package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.FullFineTuning;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.train.Evaluation;
import dev.peft4j.core.train.Objective;
import dev.peft4j.core.train.PreferenceObjective;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.core.train.TrainingResult;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.lora.LoraMethod;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Preferences: the values of PyTorch with TRL's formulas (scripts/make-preference-goldens.py), and a run. */
class PreferenceTest {
    private static final Path GOLDEN = Shared.root().resolve("peft-tests/src/test/resources/golden");

    private static List<PackedBatch.Choice> choices() throws IOException {
        List<PackedBatch.Choice> all = new ArrayList<>();
        for (Object pair :
                (List<?>) Json.read(GOLDEN.resolve("preferences.json")).get("pairs")) {
            int[][] parts = GoldenCase.rows(pair);
            all.add(new PackedBatch.Choice(answer(parts[0], parts[1]), answer(parts[0], parts[2])));
        }
        return all;
    }

    static PackedBatch.Sequence answer(int[] prompt, int[] answer) {
        int[] ids = Arrays.copyOf(prompt, prompt.length + answer.length);
        System.arraycopy(answer, 0, ids, prompt.length, answer.length);
        int[] labels = ids.clone();
        Arrays.fill(labels, 0, prompt.length, Targets.IGNORE);
        return PackedBatch.Sequence.labelled(ids, labels);
    }

    private static Model llama() throws IOException {
        return Models.load(Methods.MODELS.resolve("llama"), Backend.host(), 0, 0);
    }

    @Test
    void losses_and_gradients_are_those_of_pytorch() throws IOException {
        List<?> cases = (List<?>) Json.read(GOLDEN.resolve("preferences.json")).get("cases");
        assertEquals(4, cases.size());
        for (Object o : cases) {
            Map<?, ?> c = (Map<?, ?>) o;
            PreferenceObjective objective = new PreferenceObjective(
                    PreferenceObjective.Kind.valueOf(String.valueOf(c.get("kind"))),
                    GoldenCase.number(c.get("strength")));
            try (Model model = llama();
                    Adapter adapter = AdapterFiles.load(GOLDEN.resolve("cases/llama/lora/adapter"), model);
                    Arena arena = new Arena(DType.F32)) {
                Batch batch = Batch.of(choices());
                int pairs = objective.scored(model, batch, List.of(adapter));
                assertEquals(3, pairs);
                Objective.Prepared prepared = objective.prepare(model, batch, List.of(adapter), List.of(), arena);
                try (Pass pass = Pass.differentiable(model.backend(), arena)) {
                    double loss =
                            prepared.loss(Call.of(pass, adapter), 1.0 / pairs).mean();
                    assertEquals(GoldenCase.number(c.get("loss")), loss, 2e-5, objective::name);
                    pass.backward();
                }
                assertGradients((Map<?, ?>) c.get("gradients"), adapter, objective.name());
            }
        }
    }

    static void assertGradients(Map<?, ?> gradients, Adapter adapter, String what) {
        for (Parameter p : adapter.parameters()) {
            List<?> expected =
                    Objects.requireNonNull((List<?>) gradients.get(GoldenChecks.PREFIX + p.name()), p.name());
            float[] values = new float[expected.size()];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) GoldenCase.number(expected.get(i));
            }
            assertArrayEquals(values, p.grad().toFloats(), 2e-5f, what + " " + p.name());
        }
        assertEquals(gradients.size(), adapter.parameters().size());
    }

    @Test
    void training_makes_the_chosen_answers_more_probable() throws IOException {
        for (PreferenceObjective objective : List.of(PreferenceObjective.dpo(), PreferenceObjective.orpo())) {
            try (Model model = llama();
                    Adapter adapter = new LoraMethod().create(LoraConfig.of(4, 8), model, 1)) {
                List<PackedBatch.Choice> records = choices();
                Trainer trainer =
                        new Trainer(model, adapter, TrainingConfig.of(40, 3, 2e-2), List.of()).withObjective(objective);
                TrainingResult result = trainer.train(records, records);
                Evaluation before = Objects.requireNonNull(result.base());
                Evaluation after = Objects.requireNonNull(result.tuned());
                assertTrue(after.loss() < before.loss(), objective::name);
                assertEquals(1, after.accuracy(), objective::name);
                if (objective.needsReference()) { // the base is as far from itself for both answers
                    assertEquals(Math.log(2), before.loss(), 1e-6);
                    assertEquals(0, before.accuracy());
                }
            }
        }
    }

    @Test
    void what_has_no_reference_or_no_answers_is_refused() throws IOException {
        assertThrows(BadInputException.class, () -> new PreferenceObjective(PreferenceObjective.Kind.DPO, 0));
        try (Model model = llama();
                Adapter all = new FullFineTuning(model)) {
            Trainer trainer = new Trainer(model, all, TrainingConfig.of(1, 1, 1e-3), List.of());
            String message = assertThrows(
                            BadInputException.class, () -> trainer.withObjective(PreferenceObjective.dpo()))
                    .getMessage();
            assertTrue(message.contains("as it was before"), message);
            assertThrows(BadInputException.class, () -> trainer.withObjective(PreferenceObjective.orpo())
                    .train(List.of(answer(new int[] {1}, new int[] {5, 2})), List.of()));
        }
    }
}
