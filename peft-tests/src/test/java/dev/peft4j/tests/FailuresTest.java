package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.Cancellation;
import dev.peft4j.Dataset;
import dev.peft4j.FineTuned;
import dev.peft4j.TextClassifier;
import dev.peft4j.TextModel;
import dev.peft4j.Training;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.NonFiniteException;
import dev.peft4j.core.error.PeftFailure;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.train.Schedule;
import dev.peft4j.core.train.TrainingListener;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.lora.LoraInit;
import dev.peft4j.models.GenerationConfig;
import dev.peft4j.models.data.TextRecord;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
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
