package dev.peft4j.tests;

import static dev.peft4j.tests.TrainingRunTest.LORA;
import static dev.peft4j.tests.TrainingRunTest.assertSame;
import static dev.peft4j.tests.TrainingRunTest.atStep;
import static dev.peft4j.tests.TrainingRunTest.records;
import static dev.peft4j.tests.TrainingRunTest.values;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.train.JsonlLog;
import dev.peft4j.core.train.Schedule;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingListener;
import dev.peft4j.lora.LoraConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A run goes on where its state was kept, and only as the same run. */
class ResumeTest {
    @TempDir
    Path dir;

    static Stream<Arguments> otherSettings() {
        TrainingRunTest.Settings p = TrainingRunTest.Settings.PLAIN;
        return Stream.of(
                Arguments.of(
                        "learning rate",
                        new TrainingRunTest.Settings(12, 0, 4, 1, 5e-1, p.schedule(), 0.1, 0.01, 1, 3, 0, 5)),
                Arguments.of(
                        "schedule",
                        new TrainingRunTest.Settings(12, 0, 4, 1, 1e-2, Schedule.COSINE, 0.1, 0.01, 1, 3, 0, 5)),
                Arguments.of(
                        "warm-up",
                        new TrainingRunTest.Settings(12, 0, 4, 1, 1e-2, p.schedule(), 0.5, 0.01, 1, 3, 0, 5)),
                Arguments.of(
                        "weight decay",
                        new TrainingRunTest.Settings(12, 0, 4, 1, 1e-2, p.schedule(), 0.1, 0.1, 1, 3, 0, 5)),
                Arguments.of(
                        "max grad norm",
                        new TrainingRunTest.Settings(12, 0, 4, 1, 1e-2, p.schedule(), 0.1, 0.01, 5, 3, 0, 5)),
                Arguments.of(
                        "evaluations",
                        new TrainingRunTest.Settings(12, 0, 4, 1, 1e-2, p.schedule(), 0.1, 0.01, 1, 4, 0, 5)),
                Arguments.of(
                        "patience",
                        new TrainingRunTest.Settings(12, 0, 4, 1, 1e-2, p.schedule(), 0.1, 0.01, 1, 3, 2, 5)),
                Arguments.of(
                        "seed", new TrainingRunTest.Settings(12, 0, 4, 1, 1e-2, p.schedule(), 0.1, 0.01, 1, 3, 0, 6)),
                Arguments.of(
                        "batch size",
                        new TrainingRunTest.Settings(12, 0, 5, 1, 1e-2, p.schedule(), 0.1, 0.01, 1, 3, 0, 5)),
                Arguments.of(
                        "accumulation",
                        new TrainingRunTest.Settings(12, 0, 4, 2, 1e-2, p.schedule(), 0.1, 0.01, 1, 3, 0, 5)),
                Arguments.of(
                        "steps", new TrainingRunTest.Settings(13, 0, 4, 1, 1e-2, p.schedule(), 0.1, 0.01, 1, 3, 0, 5)));
    }

    private Path stopAt7(Model model) {
        Path state = dir.resolve("state.safetensors");
        try (Adapter adapter = TrainingRunTest.create(LORA, model)) {
            assertThrows(IllegalStateException.class, () -> new Trainer(
                            model,
                            adapter,
                            TrainingRunTest.Settings.PLAIN.config(),
                            List.of(atStep(7, TrainingRunTest.KILL)))
                    .keepState(state)
                    .train(records(20, 0), records(5, 50)));
        }
        return state;
    }

    private static void notTheSameRun(
            String what,
            Model model,
            PeftConfig config,
            TrainingRunTest.Settings s,
            Path state,
            List<PackedBatch.Sequence> records,
            List<PackedBatch.Sequence> heldOut) {
        try (Adapter adapter = TrainingRunTest.create(config, model)) {
            List<float[]> start = values(adapter);
            String message = Compositions.message(
                    IllegalArgumentException.class, () -> new Trainer(model, adapter, s.config(), List.of())
                            .resume(state)
                            .train(records, heldOut));
            assertTrue(message.contains(what) && message.contains("Use the settings"), message);
            assertSame(start, values(adapter));
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("otherSettings")
    void another_setting_is_another_run(String what, TrainingRunTest.Settings other) throws IOException {
        try (Model model = Compositions.open("llama")) {
            Path state = stopAt7(model);
            notTheSameRun(what, model, LORA, other, state, records(20, 0), records(5, 50));
        }
    }

    @Test
    void other_records_another_adapter_or_another_base_are_another_run() throws IOException {
        try (Model model = Compositions.open("llama")) {
            Path state = stopAt7(model);
            TrainingRunTest.Settings s = TrainingRunTest.Settings.PLAIN;
            notTheSameRun("hash of the records", model, LORA, s, state, records(20, 1), records(5, 50));
            notTheSameRun("hash of the held-out", model, LORA, s, state, records(20, 0), records(5, 51));
            List<UnaryOperator<LoraConfig>> changes =
                    List.of(c -> new LoraConfig(4, 64, 0.1, TargetModules.allLinearLayers()), c -> c.withDropout(0.2));
            for (UnaryOperator<LoraConfig> change : changes) {
                notTheSameRun(
                        "hash of the adapters", model, change.apply(LORA), s, state, records(20, 0), records(5, 50));
            }
            BaseTensors.dense(model, "model.norm.weight").set(0, 0, 7);
            notTheSameRun("hash of the base", model, LORA, s, state, records(20, 0), records(5, 50));
        }
    }

    @Test
    void nothing_to_go_on_from_is_said_in_words() throws IOException {
        try (Model model = Compositions.open("llama");
                Adapter adapter = TrainingRunTest.create(LORA, model)) {
            String message = Compositions.message(UncheckedIOException.class, () -> new Trainer(
                            model, adapter, TrainingRunTest.Settings.PLAIN.config(), List.of())
                    .resume(dir.resolve("state.safetensors"))
                    .train(records(20, 0), List.of()));
            assertTrue(message.contains("nothing to go on from"), message);
        }
    }

    @Test
    void a_log_keeps_what_the_run_before_wrote_and_nothing_behind_its_state() throws IOException {
        Path log = dir.resolve("log.jsonl");
        Path state = dir.resolve("state.safetensors");
        try (Model model = Compositions.open("llama")) {
            try (Adapter adapter = TrainingRunTest.create(LORA, model);
                    JsonlLog first = new JsonlLog(log)) {
                assertThrows(IllegalStateException.class, () -> new Trainer(
                                model,
                                adapter,
                                TrainingRunTest.Settings.PLAIN.config(),
                                List.of(first, atStep(8, TrainingRunTest.KILL)))
                        .keepState(state)
                        .train(records(20, 0), records(5, 50)));
            }
            List<String> before = Files.readAllLines(log); // base, 8 steps, 2 evaluations
            assertEquals(11, before.size());
            Files.writeString(log, String.join("\n", before) + "\n{\"step\":9,\"lo");
            byte[] all = Files.readAllBytes(log);
            try (Adapter adapter = TrainingRunTest.create(LoraConfig.of(2, 4), model);
                    JsonlLog refused = new JsonlLog(log)) {
                assertThrows(IllegalArgumentException.class, () -> new Trainer(
                                model, adapter, TrainingRunTest.Settings.PLAIN.config(), List.of(refused))
                        .resume(state)
                        .train(records(20, 0), records(5, 50)));
            }
            assertArrayEquals(all, Files.readAllBytes(log), "a run that was refused leaves the log");
            try (Adapter adapter = TrainingRunTest.create(LORA, model);
                    JsonlLog second = new JsonlLog(log)) {
                new Trainer(model, adapter, TrainingRunTest.Settings.PLAIN.config(), List.of(second))
                        .resume(state)
                        .train(records(20, 0), records(5, 50));
            }
            List<String> after = Files.readAllLines(log);
            assertEquals(1 + 12 + 4, after.size());
            assertEquals(before.subList(0, 9), after.subList(0, 9), "up to the evaluation of step 6");
            List<Integer> replayed = new ArrayList<>();
            JsonlLog.replay(log, 6, new TrainingListener() {
                @Override
                public void onStep(int step, double loss, double rate, double norm, int tokens, double seconds) {
                    replayed.add(step);
                }
            });
            assertEquals(List.of(1, 2, 3, 4, 5, 6), replayed);
        }
    }
}
