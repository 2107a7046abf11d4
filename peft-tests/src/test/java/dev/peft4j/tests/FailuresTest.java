package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
import dev.peft4j.core.train.Schedule;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.GenerationConfig;
import dev.peft4j.models.data.TextRecord;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
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

    /** All that may take long, except writing. */
    private List<Executable> work() throws IOException {
        byte[] lines = "{\"text\": \"the owl\"}\n{\"text\": \"the fox\"}\n".getBytes(StandardCharsets.UTF_8);
        Path jsonl = file("records.jsonl", lines);
        Path gz = file("records.jsonl.gz", packed(lines));
        Path csv = file("records.csv", "text\nthe owl\n".getBytes(StandardCharsets.UTF_8));
        Path base = dir.resolve("base");
        Path bert = TinyModels.bert(dir.resolve("bert"));
        TextModel encoder = TextModel.open(bert);
        List<TextRecord> reviews = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            reviews.add(new TextRecord("", "good film", List.of("+", "-", "0").get(i % 3)));
        }
        try (FineTuned sentiment = encoder.fineTune(LORA, Dataset.of(reviews), Training.steps(1))) {
            sentiment.save(dir.resolve("sentiment"));
        }
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
