package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.Cancellation;
import dev.peft4j.Dataset;
import dev.peft4j.FineTuned;
import dev.peft4j.TextClassifier;
import dev.peft4j.TextModel;
import dev.peft4j.Training;
import dev.peft4j.core.adapter.FullFineTuning;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.NonFiniteException;
import dev.peft4j.core.error.PeftFailure;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.train.HtmlReport;
import dev.peft4j.core.train.Schedule;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.core.train.TrainingListener;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.lora.LoraInit;
import dev.peft4j.models.GenerationConfig;
import dev.peft4j.models.Models;
import dev.peft4j.models.data.TextRecord;
import dev.peft4j.run.RunDirectory;
import dev.peft4j.run.TrainedAdapters;
import dev.peft4j.run.TrainingRun;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** An application tells its own faults, those of files and those of its users apart by the type of an error, and can interrupt whatever takes long. */
class FailuresTest {
    private static final LoraConfig LORA = LoraConfig.of(4, 8);

    @TempDir
    Path dir;

    private TextModel model;
    private FineTuned tuned;
    private Path adapter;

    @BeforeEach
    void open() throws IOException {
        model = TextModel.open(TinyModels.llama(dir.resolve("base")));
        tuned = model.fineTune(
                LORA, Dataset.of(TinyModels.sentences(20)), Training.steps(2).batchSize(4));
        adapter = dir.resolve("adapter");
        tuned.save(adapter);
    }

    @AfterEach
    void close() {
        assertTrue(!Thread.interrupted());
        tuned.close();
        model.close();
    }

    private Path file(String name, byte[] bytes) throws IOException {
        return Files.write(dir.resolve(name), bytes);
    }

    private static byte[] packed(byte[] bytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(bytes);
        }
        return out.toByteArray();
    }

    /** Each of the types with a mistake that leads to it. */
    private Map<Class<? extends Exception>, List<Executable>> mistakes() throws IOException {
        Path noModel = Files.createDirectories(dir.resolve("empty"));
        Path noRecords = file("no.jsonl", "{\"txt\": 1}".getBytes(StandardCharsets.UTF_8));
        Dataset data = Dataset.of(TinyModels.sentences(20));
        Map<Class<? extends Exception>, List<Executable>> all =
                new TreeMap<>((a, b) -> a.getName().compareTo(b.getName()));
        all.put(
                BadInputException.class,
                List.of(
                        () -> LoraConfig.of(0, 8),
                        () -> Training.steps(0),
                        () -> Training.steps(1).classes(Integer.MAX_VALUE),
                        () -> Training.steps(1).checkpoints(-1, Duration.ZERO),
                        () -> GenerationConfig.greedy(-1),
                        () -> data.split(2, 0),
                        () -> model.with("nobody").generate("a"),
                        () -> model.load("../x", adapter),
                        () -> model.classifier(),
                        () -> model.fineTune(LORA.withTarget(TargetModules.of("q_prj")), data, Training.steps(1)),
                        () -> model.fineTune(List.of(), data, Training.steps(1)),
                        () -> tuned.generate("a ".repeat(5000))));
        all.put(
                BadFileException.class,
                List.of(
                        () -> TextModel.open(noModel),
                        () -> TextModel.open(dir.resolve("none")),
                        () -> model.load("a", noModel),
                        () -> model.fineTune(noModel, data, Training.steps(1)),
                        () -> TextClassifier.open(noModel, null),
                        () -> Dataset.read(noRecords),
                        () -> Dataset.read(dir.resolve("none.csv"))));
        all.put(NonFiniteException.class, List.of(() -> model.fineTune(
                        LORA, data, Training.steps(50).learningRate(1e300).schedule(Schedule.CONSTANT, 0))
                .close()));
        TextModel closed = TextModel.open(dir.resolve("base"));
        closed.close();
        all.put(
                WrongUseException.class,
                List.of(
                        () -> closed.generate("a"),
                        () -> closed.load("a", adapter),
                        () -> closed.fineTune(LORA, data, Training.steps(1)),
                        () -> closed.classifier()));
        return all;
    }

    @Test
    void the_type_of_an_error_says_whose_fault_it_is() throws IOException {
        for (Map.Entry<Class<? extends Exception>, List<Executable>> kind :
                mistakes().entrySet()) {
            for (int i = 0; i < kind.getValue().size(); i++) {
                String which = "mistake " + i + " of " + kind.getKey();
                Exception e = assertThrows(Exception.class, kind.getValue().get(i), which);
                assertEquals(kind.getKey(), e.getClass(), which + ": " + e);
                assertTrue(assertInstanceOf(PeftFailure.class, e).getMessage().endsWith("."), e.getMessage());
            }
        }
    }

    @Test
    void a_damaged_state_of_a_run_is_a_bad_file() throws IOException {
        Path run = dir.resolve("run");
        Dataset data = Dataset.of(TinyModels.sentences(20));
        Training training = Training.steps(3).outputDir(run);
        Cancellation cancellation = new Cancellation();
        model.fineTune(LORA, data, training.cancelWith(cancellation).listener(afterOneStep(cancellation::cancel)))
                .close();
        Path state = run.resolve("trainer_state.safetensors");
        byte[] bytes = Files.readAllBytes(state);
        Files.write(state, Arrays.copyOf(bytes, bytes.length / 2));
        BadFileException e = assertThrows(BadFileException.class, () -> model.fineTune(LORA, data, training.resume()));
        assertTrue(String.valueOf(e.getMessage()).contains("trainer_state"), e.getMessage());
    }

    private static TrainingListener afterOneStep(Runnable action) {
        return new TrainingListener() {
            @Override
            public void onStep(int step, double loss, double rate, double norm, int tokens, double seconds) {
                action.run();
            }
        };
    }

    @Test
    void an_interrupt_behind_the_last_step_says_that_the_last_evaluation_is_missing() throws IOException {
        Training training = Training.steps(1)
                .listener(afterOneStep(() -> Thread.currentThread().interrupt()));
        try (FineTuned some = model.fineTune(LORA, Dataset.of(TinyModels.sentences(20)), training)) {
            assertTrue(some.report().isInterrupted());
            assertEquals(1, some.report().result().steps());
            assertNull(some.report().result().tuned());
        } finally {
            assertTrue(Thread.interrupted());
        }
    }

    @Test
    void an_interrupt_behind_the_last_step_of_full_fine_tuning_leaves_the_model() throws IOException {
        Path out = dir.resolve("full");
        try (Model base = Models.load(dir.resolve("base"), Backend.host(), 0, 0);
                TrainedAdapters full = new TrainedAdapters(List.of(new FullFineTuning(base)));
                RunDirectory directory = RunDirectory.besideModel(out, false, false)) {
            TrainingRun run = new TrainingRun(
                    base, full, TrainingConfig.of(1, 2, 1e-3), List.of(afterOneStep(() -> Thread.currentThread()
                            .interrupt())));
            run.in(directory, 0, Duration.ZERO, new HtmlReport("full", Map.of()), Map.of());
            List<PackedBatch.Sequence> records =
                    List.of(PackedBatch.Sequence.labelled(new int[] {1, 5, 2, 7}, new int[] {1, 5, 2, 7}));
            assertEquals(1, run.train(records, List.of()).steps());
            assertTrue(Thread.interrupted());
        }
        TextModel.open(out).close();
    }

    @Test
    void a_record_that_cannot_be_encoded_is_named() throws IOException {
        Path file =
                file("half.jsonl", "{\"text\": \"a\"}\n{\"text\": \"b\\ud800\"}\n".getBytes(StandardCharsets.UTF_8));
        Dataset data = Dataset.read(file).split(0, 0);
        BadInputException e =
                assertThrows(BadInputException.class, () -> model.fineTune(LORA, data, Training.steps(1)));
        assertTrue(String.valueOf(e.getMessage()).contains("half.jsonl, line 2"), e.getMessage());
    }

    @Test
    void what_json_is_not_is_told_in_few_words() throws IOException {
        for (String text :
                List.of("\"a\"", "[1]", "7", "true", "null", "{", "\"" + "x".repeat(3_000_000) + "\"", "{\"a\": [1,")) {
            Path base = Files.createDirectories(dir.resolve("wrong"));
            Files.writeString(base.resolve("config.json"), text);
            String message = String.valueOf(assertThrows(BadFileException.class, () -> TextModel.open(base))
                    .getMessage());
            assertTrue(message.length() < 600 && !message.contains("java.") && !message.contains("REDACTED"), message);
        }
    }

    @Test
    void a_directory_in_place_of_a_file_that_may_be_missing_is_a_bad_file() throws IOException {
        for (String name : List.of("tokenizer_config.json", "generation_config.json", "special_tokens_map.json")) {
            Path base = TinyModels.llama(dir.resolve("with-" + name));
            Files.deleteIfExists(base.resolve(name));
            Files.createDirectory(base.resolve(name));
            assertThrows(BadFileException.class, () -> TextModel.open(base), name);
        }
    }

    @Test
    void a_base_that_cannot_be_read_again_is_a_bad_file() throws IOException {
        Path base = TinyModels.bert(dir.resolve("bert"));
        try (TextModel encoder = TextModel.open(base)) {
            sentiment(encoder, List.of("+", "-")).close();
            encoder.load("two", dir.resolve("sentiment")); // in place of the base with the head of the checkpoint
            Files.writeString(base.resolve("model.safetensors"), "no tensors");
            assertThrows(BadFileException.class, encoder::classifier);
        }
    }

    @Test
    void a_damaged_note_of_an_adapter_is_a_bad_file() throws IOException {
        Path file = adapter.resolve("adapter_model.safetensors");
        byte[] bytes = Files.readAllBytes(file);
        int header = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
        String json = new String(bytes, 8, header, StandardCharsets.UTF_8);
        String damaged = json.replace("\"peft4j_config\":\"{", "\"peft4j_config\":\"[");
        assertNotEquals(json, damaged);
        System.arraycopy(damaged.getBytes(StandardCharsets.UTF_8), 0, bytes, 8, header);
        Files.write(file, bytes);
        assertThrows(BadFileException.class, () -> model.load("damaged", adapter));
    }

    @Test
    void an_interrupt_in_a_listener_that_generates_ends_the_run_and_keeps_what_was_trained() throws IOException {
        TrainingListener sample = afterOneStep(() -> {
            Thread.currentThread().interrupt();
            model.generate("the owl");
        });
        try (FineTuned some = model.fineTune(
                LORA, Dataset.of(TinyModels.sentences(20)), Training.steps(3).listener(sample))) {
            assertEquals(1, some.report().result().steps());
            assertTrue(some.report().isInterrupted());
        } finally {
            assertTrue(Thread.interrupted());
        }
    }

    @Test
    void a_run_that_is_cancelled_before_its_first_step_leaves_the_adapter_that_is_there() throws IOException {
        byte[] before = Files.readAllBytes(adapter.resolve("adapter_model.safetensors"));
        Cancellation cancellation = new Cancellation();
        cancellation.cancel();
        Training training = Training.steps(3).outputDir(adapter).overwrite().cancelWith(cancellation);
        model.fineTune(LORA, Dataset.of(TinyModels.sentences(20)), training).close();
        assertArrayEquals(before, Files.readAllBytes(adapter.resolve("adapter_model.safetensors")));
    }

    @Test
    void what_cannot_be_used_together_keeps_no_base() throws IOException {
        long before = Tensor.nativeBytes();
        try (TextModel encoder = TextModel.open(TinyModels.bert(dir.resolve("bert")))) {
            sentiment(encoder, List.of("+", "-", "0")).close();
            long one = Tensor.nativeBytes() - before;
            encoder.load("a", dir.resolve("sentiment"));
            encoder.load("b", dir.resolve("sentiment"));
            assertThrows(BadInputException.class, () -> encoder.classifier("a", "b"));
            encoder.unload("a");
            encoder.unload("b");
            sentiment(encoder, List.of("+", "-")).close(); // needs a base with another head, in place of the first
            assertTrue(Tensor.nativeBytes() - before < one + one / 2, "a base that nobody uses is kept");
        }
        assertEquals(before, Tensor.nativeBytes());
    }

    private FineTuned sentiment(TextModel encoder, List<String> labels) throws IOException {
        List<TextRecord> reviews = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            reviews.add(new TextRecord("", "good film", labels.get(i % labels.size())));
        }
        FineTuned trained =
                encoder.fineTune(LORA, Dataset.of(reviews), Training.steps(1).classes(labels.size()));
        trained.save(dir.resolve("sentiment"));
        return trained;
    }

    /** All that may take long, except writing. */
    private List<Executable> work() throws IOException {
        byte[] lines = "{\"text\": \"the owl\"}\n{\"text\": \"the fox\"}\n".getBytes(StandardCharsets.UTF_8);
        Path jsonl = file("records.jsonl", lines);
        Path gz = file("records.jsonl.gz", packed(lines));
        Path csv = file("records.csv", "text\nthe owl\n".getBytes(StandardCharsets.UTF_8));
        Path base = dir.resolve("base");
        Path bert = TinyModels.bert(dir.resolve("bert"));
        TextModel encoder = TextModel.open(bert);
        sentiment(encoder, List.of("+", "-", "0")).close();
        encoder.load("sentiment", dir.resolve("sentiment"));
        TextClassifier classifier = encoder.classifier("sentiment");
        return List.of(
                () -> TextModel.open(base),
                () -> TextModel.open(bert),
                () -> model.load("again", adapter),
                () -> model.fineTune(LORA, Dataset.of(TinyModels.sentences(20)), Training.steps(2)),
                () -> model.fineTune(adapter, Dataset.of(TinyModels.sentences(20)), Training.steps(2)),
                () -> Dataset.read(jsonl),
                () -> Dataset.read(gz),
                () -> Dataset.read(csv),
                () -> tuned.generate("the owl"),
                () -> model.generate("the owl"),
                () -> tuned.saveMerged(dir.resolve("merged")),
                () -> model.fineTune(
                        LORA.withInit(LoraInit.of(LoraInit.Kind.PISSA)),
                        Dataset.of(TinyModels.sentences(20)),
                        Training.steps(2)),
                () -> classifier.classify("good film"),
                () -> TextClassifier.open(bert, dir.resolve("sentiment")),
                () -> {
                    classifier.close();
                    encoder.close();
                    throw new StoppedException("all was tried");
                });
    }

    @Test
    void an_interrupt_ends_what_takes_long_and_is_left_for_the_caller() throws IOException {
        List<Executable> all = work();
        for (Executable e : all) {
            Thread.currentThread().interrupt();
            StoppedException stopped;
            try {
                stopped = assertThrows(StoppedException.class, e, () -> "work " + all.indexOf(e));
            } finally {
                assertTrue(Thread.interrupted(), "the flag is left for the caller");
            }
            assertTrue(String.valueOf(stopped.getMessage()).contains("interrupted"), stopped.getMessage());
        }
        assertEquals(Collections.emptySet(), model.adapters());
        model.load("again", adapter);
        assertEquals(model.with("again").generate("the owl"), tuned.generate("the owl"), "all can be done again");
    }

    @Test
    void an_interrupt_while_a_text_grows_ends_it() {
        StringBuilder told = new StringBuilder();
        assertThrows(
                StoppedException.class,
                () -> tuned.generate("the owl", piece -> {
                    told.append(piece);
                    Thread.currentThread().interrupt();
                }));
        assertTrue(Thread.interrupted());
        assertTrue(!told.isEmpty());
    }

    @Test
    void what_is_being_written_is_finished() throws IOException {
        Thread.currentThread().interrupt();
        tuned.save(dir.resolve("other"));
        assertTrue(Thread.interrupted());
        model.load("other", dir.resolve("other"));
    }
}
