package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.FullFineTuning;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.RatedAnswer;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.train.Evaluation;
import dev.peft4j.core.train.KtoObjective;
import dev.peft4j.core.train.Objective;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.core.train.TrainingResult;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.Models;
import dev.peft4j.prompt.PromptTuningConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Ratings: the values of PyTorch with the formulas of TRL (scripts/make-preference-goldens.py), and runs. */
class RatingTest {
    private static final Path GOLDEN = Shared.root().resolve("peft-tests/src/test/resources/golden");
    private static final LoraConfig LORA = LoraConfig.of(4, 8).withDropout(0.1);

    @TempDir
    Path dir;

    private static List<RatedAnswer> batch(int number) throws IOException {
        List<RatedAnswer> all = new ArrayList<>();
        List<?> batches = (List<?>) Json.read(GOLDEN.resolve("ratings.json")).get("batches");
        for (Object rated : (List<?>) batches.get(number)) {
            List<?> parts = (List<?>) rated;
            all.add(new RatedAnswer(
                    PreferenceTest.answer(GoldenCase.ints(parts.get(0)), GoldenCase.ints(parts.get(1))),
                    Boolean.TRUE.equals(parts.get(2))));
        }
        return all;
    }

    private static Model llama() throws IOException {
        return Models.load(Methods.MODELS.resolve("llama"), Backend.host(), 0, 0);
    }

    private static KtoObjective objective(Map<?, ?> c) {
        List<?> weights = (List<?>) c.get("weights");
        return new KtoObjective(
                GoldenCase.number(c.get("strength")),
                GoldenCase.number(weights.get(0)),
                GoldenCase.number(weights.get(1)));
    }

    @Test
    void losses_and_gradients_are_those_of_pytorch() throws IOException {
        List<?> cases = (List<?>) Json.read(GOLDEN.resolve("ratings.json")).get("cases");
        int above = 0;
        for (Object o : cases) {
            Map<?, ?> c = (Map<?, ?>) o;
            above += GoldenCase.number(c.get("kl")) > 0 ? 1 : 0;
            KtoObjective kto = objective(c);
            try (Model model = llama();
                    Adapter adapter = AdapterFiles.load(GOLDEN.resolve("cases/llama/lora/adapter"), model);
                    Arena arena = new Arena(DType.F32)) {
                Batch batch = Batch.of(batch((int) GoldenCase.number(c.get("batch"))));
                int scored = kto.scored(model, batch, List.of(adapter));
                assertEquals(batch.size(), scored);
                Objective.Prepared prepared = kto.prepare(model, batch, List.of(adapter), List.of(), arena);
                try (Pass pass = Pass.differentiable(model.backend(), arena)) {
                    double loss =
                            prepared.loss(Call.of(pass, adapter), 1.0 / scored).mean();
                    assertEquals(GoldenCase.number(c.get("loss")), loss, 2e-5, kto::name);
                    pass.backward();
                }
                PreferenceTest.assertGradients((Map<?, ?>) c.get("gradients"), adapter, kto.name());
            }
        }
        assertTrue(above > 0 && above < cases.size(), "divergences above and below 0");
    }

    @Test
    void gradients_are_those_of_finite_differences() throws IOException {
        KtoObjective kto = new KtoObjective(1.5, 2, 0.5);
        try (Model model = Models.load(Methods.MODELS.resolve("llama"), Backend.nd4j(DType.F64), 0, 0);
                Adapter adapter = AdapterFiles.load(GOLDEN.resolve("cases/llama/lora/adapter"), model);
                Arena arena = new Arena(DType.F64)) {
            Batch batch = Batch.of(batch(0));
            Objective.Prepared prepared = kto.prepare(model, batch, List.of(adapter), List.of(), arena);
            try (Pass pass = Pass.differentiable(model.backend(), arena)) {
                prepared.loss(Call.of(pass, adapter), 1);
                pass.backward();
            }
            for (Parameter p : adapter.parameters()) {
                double found = p.grad().get(1, 1);
                double old = p.value().get(1, 1);
                double[] sums = new double[2];
                for (int i = 0; i < 2; i++) {
                    p.value().set(1, 1, old + (i == 0 ? 1e-5 : -1e-5));
                    try (Pass pass = Pass.inference(model.backend(), arena)) {
                        sums[i] = prepared.loss(Call.of(pass, adapter), 1).sum();
                    }
                }
                p.value().set(1, 1, old);
                assertEquals((sums[0] - sums[1]) / 2e-5, found, 1e-7 + 1e-5 * Math.abs(found), p::name);
            }
        }
    }

    @Test
    void a_run_makes_good_answers_more_probable_and_bad_ones_less() throws IOException {
        for (PeftConfig config : List.of(LoraConfig.of(4, 8), PromptTuningConfig.of(4))) {
            try (Model model = llama();
                    Adapter adapter = TrainingRunTest.create(config, model)) {
                Trainer trainer = new Trainer(model, adapter, TrainingConfig.of(60, 4, 2e-2), List.of())
                        .withObjective(KtoObjective.kto());
                List<RatedAnswer> records = batch(0);
                TrainingResult result = trainer.train(records, records);
                Evaluation before = Objects.requireNonNull(result.base());
                Evaluation after = Objects.requireNonNull(result.tuned());
                assertEquals(0.5, before.loss(), 1e-6); // the base is its own reference
                assertEquals(0, before.accuracy());
                assertTrue(after.loss() < 0.47, after::toString);
                assertTrue(after.accuracy() > 0.7, after::toString);
            }
        }
    }

    @Test
    void a_run_that_was_stopped_goes_on_to_the_same_bits() throws IOException {
        List<RatedAnswer> records = new ArrayList<>(batch(0));
        records.addAll(batch(1)); // seven: the last batch of an epoch has one
        List<float[]> whole;
        List<float[]> resumed;
        Path state = dir.resolve("state");
        try (Model model = llama()) {
            try (Adapter adapter = TrainingRunTest.create(LORA, model)) {
                trainer(model, adapter, 1000).train(records, records);
                whole = TrainingRunTest.values(adapter);
            }
            try (Adapter adapter = TrainingRunTest.create(LORA, model)) {
                assertThrows(
                        IllegalStateException.class,
                        () -> trainer(model, adapter, 5).keepState(state).train(records, records));
            }
            try (Adapter adapter = TrainingRunTest.create(LORA, model)) {
                trainer(model, adapter, 1000).resume(state).train(records, records);
                resumed = TrainingRunTest.values(adapter);
            }
            TrainingRunTest.assertSame(whole, resumed);
            List<RatedAnswer> other = new ArrayList<>(records);
            other.set(0, new RatedAnswer(other.get(0).sequence(), !other.get(0).isGood()));
            try (Adapter adapter = TrainingRunTest.create(LORA, model)) {
                Trainer trainer = trainer(model, adapter, 1000).resume(state);
                String message = assertThrows(BadInputException.class, () -> trainer.train(other, records))
                        .getMessage();
                assertTrue(message.contains("hash of the records"), message);
            }
        }
    }

    private static Trainer trainer(Model model, Adapter adapter, int killedAt) {
        TrainingConfig config = TrainingConfig.builder()
                .steps(9)
                .batchSize(2)
                .learningRate(1e-2)
                .evaluation(3, 0)
                .seed(4)
                .build();
        return new Trainer(model, adapter, config, List.of(TrainingRunTest.atStep(killedAt, TrainingRunTest.KILL)))
                .withObjective(KtoObjective.kto());
    }

    @Test
    void what_cannot_be_compared_is_refused() throws IOException {
        for (double bad : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
            assertThrows(BadInputException.class, () -> KtoObjective.kto().withStrength(bad));
            assertThrows(BadInputException.class, () -> KtoObjective.kto().withWeights(bad, 1));
            assertThrows(BadInputException.class, () -> KtoObjective.kto().withWeights(1, bad));
        }
        List<RatedAnswer> records = batch(0);
        PackedBatch.Sequence plain = records.get(0).sequence();
        try (Model model = llama();
                Adapter adapter = TrainingRunTest.create(LORA, model);
                Adapter all = new FullFineTuning(model)) {
            refused("batches of 1", model, adapter, 1, records);
            refused("1 records", model, adapter, 2, records.subList(0, 1));
            refused("without ratings", model, adapter, 2, List.of(plain, plain));
            Trainer trainer = new Trainer(model, all, TrainingConfig.of(1, 2, 1e-3), List.of());
            assertThrows(BadInputException.class, () -> trainer.withObjective(KtoObjective.kto()));
        }
    }

    private static void refused(String says, Model model, Adapter adapter, int batch, List<? extends Example> records) {
        String message = assertThrows(BadInputException.class, () -> new Trainer(
                                model, adapter, TrainingConfig.of(1, batch, 1e-3), List.of())
                        .withObjective(KtoObjective.kto())
                        .train(records, List.of()))
                .getMessage();
        assertTrue(message.contains(says), message);
    }

    @Test
    void a_line_says_how_ratings_are_balanced() {
        KtoObjective kto = KtoObjective.kto();
        assertFalse(kto.balance(100, 100).contains("advises"));
        assertFalse(kto.balance(4, 3).contains("advises"));
        assertTrue(kto.balance(50, 200).contains("a weight of good ones from 4.00 to 5.33"), kto.balance(50, 200));
        assertFalse(kto.withWeights(4.5, 1).balance(50, 200).contains("advises"));
        assertTrue(kto.balance(200, 50).contains("or of bad ones from 3.00 to 4.00"), kto.balance(200, 50));
        assertTrue(kto.balance(0, 9).contains("one kind alone"));
        assertTrue(kto.balance(9, 0).contains("one kind alone"));
    }
}
