package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.Dataset;
import dev.peft4j.FineTuned;
import dev.peft4j.Report;
import dev.peft4j.TextGeneration;
import dev.peft4j.TextModel;
import dev.peft4j.Training;
import dev.peft4j.adapters.ia3.Ia3Config;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.GenerationConfig;
import dev.peft4j.prompt.PromptTuningConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The short API on a language model. */
class TextModelTest {
    private static final LoraConfig LORA = LoraConfig.of(4, 8);
    private static final GenerationConfig TWENTY = GenerationConfig.greedy(20);

    @TempDir
    Path dir;

    private TextModel model;

    @BeforeEach
    void open() throws IOException {
        model = TextModel.open(TinyModels.llama(dir.resolve("base")));
    }

    @AfterEach
    void close() {
        model.close();
    }

    private static Dataset data(int count) {
        return Dataset.of(TinyModels.sentences(count));
    }

    private static Training steps(int count) {
        return Training.steps(count).batchSize(4).learningRate(1e-2);
    }

    private static byte[] tensors(Path adapter) throws IOException {
        return Files.readAllBytes(adapter.resolve("adapter_model.safetensors"));
    }

    @Test
    void a_report_compares_base_and_tuned_on_a_tenth_that_is_held_out_by_default() throws IOException {
        try (FineTuned tuned = model.fineTune(LORA, data(40), steps(20))) {
            Report report = tuned.report();
            assertEquals(36, report.records());
            assertEquals(4, report.heldOut());
            assertNotNull(report.base());
            assertTrue(Objects.requireNonNull(report.tuned()).loss()
                    < report.base().loss());
            String said = report.toString();
            assertTrue(said.contains("base     tuned\n") && said.contains("perplexity"), said);
            assertTrue(said.contains("trainable params: 4,032 || all params: "), said);
            assertTrue(said.contains("36 records, 4 held out; 20 steps;"), said);
        }
        try (FineTuned tuned = model.fineTune(LORA, data(40).split(0, 0), steps(1))) {
            assertEquals(null, tuned.report().base());
            assertTrue(tuned.report().toString().startsWith("trainable params"));
        }
    }

    @Test
    void epochs_are_the_steps_that_follow_from_the_records() throws IOException {
        Training two = Training.epochs(2).batchSize(4).accumulation(2).learningRate(1e-2);
        Dataset data = data(20).split(0, 0); // 5 passes of an epoch are 3 steps
        try (FineTuned byEpochs = model.fineTune(LORA, data, two);
                FineTuned bySteps = model.fineTune(LORA, data, steps(6).accumulation(2))) {
            assertEquals(6, byEpochs.report().result().steps());
            byEpochs.save(dir.resolve("a"));
            bySteps.save(dir.resolve("b"));
        }
        assertArrayEquals(tensors(dir.resolve("a")), tensors(dir.resolve("b")));
        try (FineTuned half = model.fineTune(LORA, data, Training.epochs(0.5).batchSize(4))) {
            assertEquals(3, half.report().result().steps());
        }
    }

    @Test
    void a_text_comes_in_pieces_that_are_the_whole() throws IOException {
        List<String> pieces = new ArrayList<>();
        String whole = model.generate("the fox", TWENTY, pieces::add);
        assertEquals(whole, String.join("", pieces));
        assertEquals(whole, model.generate("the fox", TWENTY));
        assertTrue(pieces.size() > 3 && whole.startsWith(" "), whole);
        List<String> three = new ArrayList<>();
        String beginning = model.generateWhile("the fox", TWENTY, piece -> three.add(piece) && three.size() < 3);
        assertEquals(pieces.subList(0, 3), three);
        assertEquals(String.join("", three), beginning);
        GenerationConfig drawn = GenerationConfig.sampled(20, 1.5, 3).withTop(20, 0.95);
        assertEquals(model.generate("the fox", drawn), model.generate("the fox", drawn));
        assertNotEquals(whole, model.generate("the fox", drawn));
    }

    @Test
    void an_adapter_is_the_same_trained_loaded_and_merged() throws IOException {
        String text;
        try (FineTuned tuned = model.fineTune(LORA, data(40), steps(30))) {
            text = tuned.generate("the owl is proud", TWENTY);
            tuned.save(dir.resolve("owl"));
            tuned.saveMerged(dir.resolve("merged"));
        }
        String base = model.generate("the owl is proud", TWENTY);
        assertNotEquals(base, text);
        model.load("owl", dir.resolve("owl"));
        assertEquals(text, model.with("owl").generate("the owl is proud", TWENTY));
        assertEquals(base, model.generate("the owl is proud", TWENTY));
        try (TextModel merged = TextModel.open(dir.resolve("merged"))) {
            assertEquals(text, merged.generate("the owl is proud", TWENTY));
        }
    }

    @Test
    void each_call_has_its_own_adapters_on_many_threads() throws Exception {
        List<String> names = List.of("one", "two", "three");
        List<String> expected = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            Dataset data = Dataset.of(TinyModels.sentences(40).subList(13 * i, 13 * i + 13));
            try (FineTuned tuned = model.fineTune(LORA, data, steps(15).seed(i))) {
                expected.add(tuned.generate("the bear is", TWENTY));
                tuned.save(dir.resolve(names.get(i)));
            }
            model.load(names.get(i), dir.resolve(names.get(i)));
        }
        assertEquals(Set.copyOf(names), model.adapters());
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try {
            List<Callable<String>> calls = new ArrayList<>();
            for (int i = 0; i < 24; i++) {
                String name = names.get(i % 3);
                calls.add(() -> model.with(name).generate("the bear is", TWENTY));
            }
            List<Future<String>> said = threads.invokeAll(calls);
            for (int i = 0; i < said.size(); i++) {
                assertEquals(expected.get(i % 3), said.get(i).get());
            }
        } finally {
            threads.shutdown();
        }
        model.unload("two");
        String message = assertThrows(
                        IllegalArgumentException.class, () -> model.with("two").generate("a"))
                .getMessage();
        assertEquals("the adapter \"two\" was asked for; there are [one, three]. Load it first.", message);
    }

    @Test
    void a_text_never_goes_on_with_another_adapter_of_the_same_name() throws IOException {
        try (FineTuned one = model.fineTune(LORA, data(40), steps(2));
                FineTuned other = model.fineTune(LORA, data(40), steps(30))) {
            one.save(dir.resolve("one"));
            other.save(dir.resolve("other"));
        }
        model.load("a", dir.resolve("one"));
        Predicate<String> exchange = piece -> {
            model.unload("a");
            try {
                model.load("a", dir.resolve("other"));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return true;
        };
        TextGeneration texts = model.with("a");
        String before = texts.generate("the owl", TWENTY);
        assertThrows(IllegalStateException.class, () -> texts.generateWhile("the owl", TWENTY, exchange));
        assertNotEquals(before, texts.generate("the owl", TWENTY), "the name stands for the other one now");
    }

    @Test
    void several_methods_are_trained_together() throws IOException {
        try (FineTuned tuned = model.fineTune(List.of(LORA, Ia3Config.DEFAULT), data(30), steps(5))) {
            tuned.save(dir.resolve("both"));
        }
        assertEquals("LORA", AdapterFiles.describe(dir.resolve("both/lora")).method());
        assertEquals("IA3", AdapterFiles.describe(dir.resolve("both/ia3")).method());
        try (FineTuned tuned = model.fineTune(PromptTuningConfig.of(5), data(30), steps(5))) {
            assertTrue(tuned.report().trainable() > 0);
            assertFalse(tuned.generate("the fox", TWENTY).isEmpty());
        }
    }

    @Test
    void an_adapter_goes_on_where_its_file_ends() throws IOException {
        double before;
        try (FineTuned tuned = model.fineTune(LORA, data(40), steps(20))) {
            before = Objects.requireNonNull(tuned.report().tuned()).loss();
            tuned.save(dir.resolve("a"));
        }
        byte[] file = tensors(dir.resolve("a"));
        try (FineTuned more = model.fineTune(dir.resolve("a"), data(40), steps(40))) {
            assertTrue(Objects.requireNonNull(more.report().tuned()).loss() < before);
        }
        assertArrayEquals(file, tensors(dir.resolve("a")));
        Training into = steps(1).outputDir(dir.resolve("a")).overwrite();
        assertThrows(BadFileException.class, () -> model.fineTune(dir.resolve("a"), data(40), into));
    }

    @Test
    void wrong_inputs_say_what_is_wrong() throws IOException {
        fails("no config was given", () -> model.fineTune(List.of(), data(9), steps(1)));
        fails("Name one with outputDir", () -> model.fineTune(LORA, data(9), steps(1).resume()));
        fails("at most 128", () -> model.fineTune(LORA, data(9), steps(1).maxLength(1000)));
        fails(
                "which have to hold text too. Use fewer.",
                () -> model.fineTune(PromptTuningConfig.of(200), data(9), steps(1)));
        fails("Open an encoder", () -> model.classifier());
        fails("or use a BERT", () -> model.fineTune(LORA, data(9), steps(1).classes(2)));
        fails("Load it first", () -> model.unload("none"));
        fails("1 to 127", () -> model.generate("the fox ".repeat(200)));
        Files.createDirectories(dir.resolve("full"));
        Files.writeString(dir.resolve("full/thesis.tex"), "mine");
        try (FineTuned tuned = model.fineTune(LORA, data(9), steps(1))) {
            assertThrows(BadFileException.class, () -> tuned.save(dir.resolve("full")));
            tuned.save(dir.resolve("a"));
        }
        assertThrows(BadFileException.class, () -> model.load("a", dir.resolve("missing")));
        model.load("a", dir.resolve("a"));
        fails("Choose another name", () -> model.load("a", dir.resolve("a")));
        try (TextModel other = TextModel.open(TinyModels.bert(dir.resolve("bert")))) {
            assertThrows(BadFileException.class, () -> other.load("a", dir.resolve("a")));
        }
    }

    private static void fails(String why, Callable<?> use) {
        String message = assertThrows(IllegalArgumentException.class, use::call).getMessage();
        assertTrue(message.contains(why), message);
    }

    private static void fails(String why, Action use) {
        fails(why, () -> {
            use.run();
            return "";
        });
    }

    private interface Action {
        void run() throws Exception;
    }

    @Test
    void what_is_closed_says_so() throws IOException {
        FineTuned tuned = model.fineTune(LORA, data(9), steps(1));
        FineTuned other = model.fineTune(LORA, data(9), steps(1));
        tuned.close();
        tuned.close();
        assertThrows(IllegalStateException.class, () -> tuned.generate("the fox"));
        assertThrows(IllegalStateException.class, () -> tuned.save(dir.resolve("a")));
        assertFalse(other.generate("the fox").isEmpty());
        model.close();
        model.close();
        assertThrows(IllegalStateException.class, () -> other.generate("the fox"));
        assertThrows(IllegalStateException.class, () -> model.generate("the fox"));
        assertThrows(IllegalStateException.class, () -> model.fineTune(LORA, data(9), steps(1)));
        assertThrows(IllegalStateException.class, () -> model.load("a", dir.resolve("a")));
        other.close();
        assertTrue(tuned.report().records() > 0);
    }
}
