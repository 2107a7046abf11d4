package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.Dataset;
import dev.peft4j.FineTuned;
import dev.peft4j.ImageClassifier;
import dev.peft4j.ImageModel;
import dev.peft4j.Prediction;
import dev.peft4j.TextClassifier;
import dev.peft4j.TextModel;
import dev.peft4j.Training;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.format.SafetensorsFile;
import dev.peft4j.core.format.SafetensorsWriter;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.train.Strategy;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.image.Augmentation;
import dev.peft4j.models.image.Preprocessing;
import dev.peft4j.models.image.Resampling;
import dev.peft4j.models.image.Resize;
import dev.peft4j.prompt.PromptTuningConfig;
import dev.peft4j.run.TaskScores;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The short API on images: a small random ResNet learns colours from files. */
class ImageModelTest {
    private static final LoraConfig LORA = LoraConfig.of(4, 8);
    private static final List<String> COLOURS = List.of("blue", "green", "red");
    private static final Preprocessing SIXTEEN = Preprocessing.of(3)
            .withResize(Resize.exact(16, 16), Resampling.BILINEAR)
            .withNormalization(List.of(0.4, 0.5, 0.6), List.of(0.3, 0.25, 0.2));

    private static final Map<String, String> OF_TORCHVISION = Map.ofEntries(
            Map.entry("resnet.embedder.embedder.convolution", "conv1"),
            Map.entry("resnet.embedder.embedder.normalization", "bn1"),
            Map.entry("resnet.encoder.stages.0.layers.", "layer1."),
            Map.entry("resnet.encoder.stages.1.layers.", "layer2."),
            Map.entry(".layer.0.convolution", ".conv1"),
            Map.entry(".layer.0.normalization", ".bn1"),
            Map.entry(".layer.1.convolution", ".conv2"),
            Map.entry(".layer.1.normalization", ".bn2"),
            Map.entry("shortcut.convolution", "downsample.0"),
            Map.entry("shortcut.normalization", "downsample.1"),
            Map.entry("classifier.1", "fc"));

    @TempDir
    Path dir;

    private Path base;
    private Path pictures;
    private List<Path> files;
    private ImageModel model;

    @BeforeEach
    void write() throws IOException {
        base = golden("resnet_small");
        Files.writeString(base.resolve("preprocessor_config.json"), Json.print(SIXTEEN.toJson()));
        pictures = PictureFiles.write(dir.resolve("pictures"), 16);
        files = List.of(
                pictures.resolve("red/0.png"), pictures.resolve("green/4.png"), pictures.resolve("blue/11.png"));
        model = ImageModel.open(base);
    }

    @AfterEach
    void close() {
        model.close();
    }

    private Path golden(String name) throws IOException {
        return golden(name, name);
    }

    private Path golden(String folder, String name) throws IOException {
        Path from = Shared.root().resolve("peft-tests/src/test/resources/golden/models/" + name);
        Path to = Files.createDirectories(dir.resolve(folder));
        for (String file : List.of("config.json", "model.safetensors")) {
            Files.copy(from.resolve(file), to.resolve(file));
        }
        return to;
    }

    private Dataset data() throws IOException {
        return Dataset.images(pictures).split(0.25, 1);
    }

    private static Training epochs(int count) {
        return Training.epochs(count).batchSize(6).learningRate(2e-2);
    }

    private static List<Map<String, Double>> scores(List<Prediction> predictions) {
        return predictions.stream().map(Prediction::scores).toList();
    }

    @Test
    void lora_on_convolutions_learns_and_is_scored_on_held_out_images() throws IOException {
        Path out = dir.resolve("run");
        try (FineTuned tuned = model.fineTune(LORA, data(), epochs(12).outputDir(out))) {
            assertEquals(36, tuned.report().records());
            assertEquals(12, tuned.report().heldOut());
            TaskScores scores = Objects.requireNonNull(tuned.report().scores());
            assertEquals(12, scores.count());
            assertTrue(scores.line().contains("accuracy"), scores::line);
            assertTrue(Objects.requireNonNull(tuned.report().tuned()).accuracy() > 0.9, tuned.report()::toString);
        }
        String page = Files.readString(out.resolve("report.html"));
        assertTrue(page.contains("macro F1") && COLOURS.stream().allMatch(page::contains), page);
        Map<String, Object> config = Json.read(out.resolve("adapter_config.json"));
        assertTrue(String.valueOf(config.get("target_modules")).contains("convolution"), config::toString);
    }

    @Test
    void an_adapter_is_the_same_trained_loaded_by_name_opened_and_merged() throws IOException {
        List<Map<String, Double>> expected;
        try (FineTuned tuned = model.fineTune(LORA, data(), epochs(8));
                ImageClassifier classifier = tuned.imageClassifier()) {
            assertEquals(COLOURS, classifier.labels());
            List<Prediction> said = classifier.classify(files);
            assertEquals(
                    List.of("red", "green", "blue"),
                    said.stream().map(Prediction::label).toList());
            expected = scores(said);
            tuned.save(dir.resolve("colours"));
            tuned.saveMerged(dir.resolve("merged"));
        }
        model.load("colours", dir.resolve("colours"));
        assertEquals(List.of("colours"), List.copyOf(model.adapters()));
        try (ImageClassifier loaded = model.classifier("colours");
                ImageClassifier opened = ImageClassifier.open(base, dir.resolve("colours"));
                ImageClassifier untouched = model.classifier()) {
            assertEquals(expected, scores(loaded.classify(files)));
            assertEquals(COLOURS, loaded.labels());
            assertEquals(expected, scores(opened.classify(files)));
            assertEquals(List.of("0", "1", "2"), untouched.labels());
            assertNotEquals(expected, scores(untouched.classify(files)));
        }
        assertArrayEquals(
                Files.readAllBytes(base.resolve("preprocessor_config.json")),
                Files.readAllBytes(dir.resolve("merged/preprocessor_config.json")));
        try (ImageClassifier merged = ImageClassifier.open(dir.resolve("merged"))) {
            assertEquals(COLOURS, merged.labels());
            assertNear(expected, scores(merged.classify(files)));
        }
        try (FineTuned further = model.fineTune(dir.resolve("colours"), data(), epochs(1))) {
            assertEquals(COLOURS, further.imageClassifier().labels());
        }
    }

    /** What is rounded in another order. */
    private static void assertNear(List<Map<String, Double>> expected, List<Map<String, Double>> found) {
        for (int i = 0; i < expected.size(); i++) {
            Map<String, Double> scores = found.get(i);
            assertEquals(expected.get(i).keySet(), scores.keySet());
            expected.get(i).forEach((label, score) -> assertEquals(score, scores.get(label), 1e-5, label));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "head@2>last:1,statistics=batch",
                "norms+head",
                "full,decay=0.8",
                "cached-head",
                "bn-stats@1>full"
            })
    void a_strategy_is_written_as_a_whole_model_and_leaves_the_base(String text) throws IOException {
        try (ImageClassifier untouched = model.classifier()) {
            List<Map<String, Double>> before = scores(untouched.classify(files));
            List<Map<String, Double>> after;
            try (FineTuned tuned = model.fineTune(Strategy.parse(text), data(), epochs(4));
                    ImageClassifier classifier = tuned.imageClassifier()) {
                assertTrue(
                        Objects.requireNonNull(tuned.report().tuned()).loss()
                                < Objects.requireNonNull(tuned.report().base()).loss(),
                        tuned.report()::toString);
                after = scores(classifier.classify(files));
                tuned.saveMerged(dir.resolve("whole"));
            }
            assertEquals(before, scores(untouched.classify(files)));
            try (ImageClassifier whole = ImageClassifier.open(dir.resolve("whole"))) {
                assertEquals(COLOURS, whole.labels());
                assertEquals(after, scores(whole.classify(files)));
            }
        }
    }

    @Test
    void a_head_of_another_size_is_new_and_written_with_its_names() throws IOException {
        Path small = golden("resnet_cifar_small");
        Path two = PictureFiles.write(dir.resolve("two"), 8);
        try (var red = Files.list(two.resolve("red"))) {
            for (Path file : red.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(two.resolve("red"));
        Map<String, Object> config = new LinkedHashMap<>(Json.read(small.resolve("config.json")));
        config.put("image_size", List.of(3, 16, 16));
        Files.writeString(small.resolve("config.json"), Json.print(config));
        Dataset data = Dataset.images(two);
        try (ImageModel cifar = ImageModel.open(small)) {
            BadInputException e = assertThrows(BadInputException.class, () -> cifar.fineTune(LORA, data, epochs(1)));
            assertTrue(String.valueOf(e.getMessage()).contains("one"), e::getMessage);
            try (FineTuned tuned = cifar.fineTune(
                            Strategy.parse("full"), data, epochs(6).classes(2));
                    ImageClassifier classifier = tuned.imageClassifier()) {
                assertEquals(List.of("blue", "green"), classifier.labels());
                tuned.saveMerged(dir.resolve("merged"));
                try (ImageClassifier merged = ImageClassifier.open(dir.resolve("merged"))) {
                    assertEquals(List.of("blue", "green"), merged.labels());
                    Path green = two.resolve("green/4.png");
                    assertEquals(
                            classifier.classify(green).scores(),
                            merged.classify(green).scores());
                }
            }
        }
        assertFalse(Files.exists(dir.resolve("merged/preprocessor_config.json")), "config.json says it");
    }

    @Test
    void files_streams_and_images_of_java_are_one_picture() throws IOException {
        try (ImageClassifier classifier = model.classifier()) {
            List<Prediction> all = classifier.classify(files);
            for (int i = 0; i < files.size(); i++) {
                Prediction alone = classifier.classify(files.get(i));
                assertNear(List.of(all.get(i).scores()), List.of(alone.scores())); // of one product of other rows
                Map<String, Double> expected = alone.scores();
                assertEquals(List.of(expected), scores(classifier.classify(files.subList(i, i + 1))));
                assertEquals(
                        expected,
                        classifier.classify(ImageIO.read(files.get(i).toFile())).scores());
                try (InputStream stream = Files.newInputStream(files.get(i))) {
                    assertEquals(expected, classifier.classify(stream).scores());
                }
            }
            assertEquals(List.of(), classifier.classify(List.of()));
        }
    }

    @Test
    void what_is_no_image_is_named() throws IOException {
        byte[] bytes = Files.readAllBytes(files.get(0));
        Path cut = Files.write(dir.resolve("cut.png"), Arrays.copyOf(bytes, bytes.length / 2));
        Path text = Files.writeString(dir.resolve("text.png"), "no image");
        Path missing = dir.resolve("missing.png");
        try (ImageClassifier classifier = model.classifier()) {
            for (Path file : List.of(cut, text, missing)) {
                String message = assertThrows(IOException.class, () -> classifier.classify(file))
                        .getMessage();
                assertTrue(message.contains(String.valueOf(file.getFileName())), message);
            }
            assertThrows(IOException.class, () -> classifier.classify(List.of(files.get(0), text)));
            assertThrows(IOException.class, () -> classifier.classify(List.of(files.get(0), cut)));
            try (InputStream stream = Files.newInputStream(text)) {
                assertThrows(BadFileException.class, () -> classifier.classify(stream));
            }
            assertEquals(3, classifier.classify(files).size());
        }
        assertThrows(BadFileException.class, () -> Dataset.images(dir.resolve("nowhere")));
    }

    @Test
    void threads_classify_with_their_own_adapters_while_another_one_is_trained() throws Exception {
        List<List<Map<String, Double>>> expected = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            try (FineTuned tuned = model.fineTune(LORA, data(), epochs(3).seed(i));
                    ImageClassifier classifier = tuned.imageClassifier()) {
                expected.add(scores(classifier.classify(files)));
                tuned.save(dir.resolve("a" + i));
            }
            model.load("a" + i, dir.resolve("a" + i));
        }
        assertNotEquals(expected.get(0), expected.get(1));
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try (ImageClassifier first = model.classifier("a0");
                ImageClassifier second = model.classifier("a1")) {
            Future<FineTuned> training = model.fineTuneAsync(Strategy.parse("full"), data(), epochs(2), threads);
            List<Callable<List<Map<String, Double>>>> calls = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                ImageClassifier own = i % 2 == 0 ? first : second;
                calls.add(() -> scores(own.classify(files)));
            }
            var said = threads.invokeAll(calls);
            for (int i = 0; i < said.size(); i++) {
                assertEquals(expected.get(i % 2), said.get(i).get());
            }
            training.get().close();
        } finally {
            threads.shutdown();
        }
    }

    @Test
    void what_is_closed_says_so() throws IOException {
        FineTuned tuned = model.fineTune(LORA, data(), epochs(1));
        ImageClassifier classifier = tuned.imageClassifier();
        tuned.close();
        tuned.close();
        assertThrows(WrongUseException.class, () -> classifier.classify(files));
        assertThrows(WrongUseException.class, tuned::imageClassifier);
        assertThrows(WrongUseException.class, () -> tuned.saveMerged(dir.resolve("late")));
        ImageClassifier untouched = model.classifier();
        untouched.close();
        assertThrows(WrongUseException.class, () -> untouched.classify(files.get(0)));
        assertThrows(WrongUseException.class, () -> untouched.classify(PictureFiles.picture(0, 0)));
        try (ImageClassifier open = model.classifier()) {
            model.close();
            assertThrows(WrongUseException.class, () -> open.classify(files));
        }
        assertThrows(WrongUseException.class, () -> model.classifier());
        assertThrows(WrongUseException.class, () -> model.fineTune(LORA, data(), epochs(1)));
    }

    @Test
    void a_model_of_the_other_kind_is_refused_with_what_to_open() throws IOException {
        Path bert = TinyModels.bert(dir.resolve("bert"));
        refused("Open it as a TextModel", () -> ImageModel.open(bert));
        refused("Open it as an ImageModel", () -> TextModel.open(base));
        refused("Open a model of texts", () -> TextClassifier.open(base));
        refused("this bert model classifies", () -> ImageClassifier.open(bert));
        refused("or use a model of texts", () -> {
            Dataset texts = Dataset.of(TinyModels.labelled(30, "0", "1", "2"));
            return model.fineTune(LORA, texts, epochs(1));
        });
        try (TextModel texts = TextModel.open(bert)) {
            refused("or use a model of images", () -> texts.fineTune(LORA, data(), epochs(1)));
        }
        refused("acts in blocks of a transformer", () -> model.fineTune(PromptTuningConfig.of(4), data(), epochs(1)));
        try (FineTuned tuned = model.fineTune(LORA, data(), epochs(1))) {
            refused("reads images", tuned::classifier);
            refused("reads images", () -> tuned.generate("a red one"));
        }
    }

    private static void refused(String why, Callable<?> use) {
        Exception e = assertThrows(Exception.class, use::call);
        assertTrue(e instanceof BadInputException || e instanceof BadFileException, e::toString);
        assertTrue(String.valueOf(e.getMessage()).contains(why), e::getMessage);
    }

    @Test
    void images_that_chance_changes_are_learnt_and_held_out_as_they_are() throws IOException {
        Augmentation varied = Augmentation.none().withFlip(0.5).withPadding(2);
        try (FineTuned plain = model.fineTune(LORA, data(), epochs(2));
                FineTuned changed = model.fineTune(LORA, data().augmented(varied), epochs(2));
                FineTuned again = model.fineTune(LORA, data().augmented(varied), epochs(2))) {
            assertEquals(
                    Objects.requireNonNull(plain.report().base()).loss(),
                    Objects.requireNonNull(changed.report().base()).loss());
            double loss = Objects.requireNonNull(changed.report().tuned()).loss();
            assertNotEquals(Objects.requireNonNull(plain.report().tuned()).loss(), loss);
            assertEquals(loss, Objects.requireNonNull(again.report().tuned()).loss());
        }
        refused(
                "would be the same in each epoch",
                () -> model.fineTune(Strategy.cachedHead(), data().augmented(varied), epochs(1)));
    }

    /** The ResNet by the names of torchvision. */
    private Path byOtherNames() throws IOException {
        Path other = golden("resnet_small-other", "resnet_small");
        Files.copy(base.resolve("preprocessor_config.json"), other.resolve("preprocessor_config.json"));
        SafetensorsWriter writer = new SafetensorsWriter();
        List<Tensor> loaded = new ArrayList<>();
        try (SafetensorsFile file = SafetensorsFile.open(base.resolve("model.safetensors"))) {
            for (String name : file.tensors().keySet()) {
                if (name.endsWith("num_batches_tracked")) {
                    continue;
                }
                String theirs = name;
                for (Map.Entry<String, String> part : OF_TORCHVISION.entrySet()) {
                    theirs = theirs.replace(part.getKey(), part.getValue());
                }
                loaded.add(file.load(name, DType.F32));
                int[] shape = Objects.requireNonNull(file.tensors().get(name)).shape().stream()
                        .mapToInt(Long::intValue)
                        .toArray();
                writer.add(theirs, loaded.get(loaded.size() - 1), shape);
            }
            writer.write(other.resolve("model.safetensors"));
        } finally {
            loaded.forEach(Tensor::close);
        }
        return other;
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void a_checkpoint_by_names_of_elsewhere_is_trained_written_and_opened_again(int classes) throws IOException {
        Path other = byOtherNames();
        try (ImageModel same = ImageModel.open(other);
                ImageClassifier ours = model.classifier();
                ImageClassifier theirs = same.classifier()) {
            assertEquals(scores(ours.classify(files)), scores(theirs.classify(files)));
            Dataset data = Dataset.images(pictures);
            if (classes == 2) {
                data = Dataset.of(data.train().stream()
                        .filter(r -> !"red".equals(r.label()))
                        .toList());
            }
            Training training = epochs(2).classes(classes);
            List<Map<String, Double>> adapted;
            try (FineTuned whole = same.fineTune(Strategy.parse("full"), data, training);
                    FineTuned lora = same.fineTune(LORA, data, training);
                    ImageClassifier classifier = lora.imageClassifier()) {
                whole.saveMerged(dir.resolve("whole"));
                lora.save(dir.resolve("lora"));
                lora.saveMerged(dir.resolve("merged"));
                adapted = scores(classifier.classify(files));
                try (ImageClassifier trained = whole.imageClassifier();
                        ImageClassifier opened = ImageClassifier.open(dir.resolve("whole"))) {
                    assertEquals(scores(trained.classify(files)), scores(opened.classify(files)));
                }
            }
            try (ImageClassifier opened = ImageClassifier.open(other, dir.resolve("lora"));
                    ImageClassifier merged = ImageClassifier.open(dir.resolve("merged"))) {
                assertEquals(adapted, scores(opened.classify(files)));
                assertNear(adapted, scores(merged.classify(files)));
            }
        }
    }
}
