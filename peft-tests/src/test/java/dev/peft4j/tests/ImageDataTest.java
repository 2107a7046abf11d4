package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.data.VariedImage;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.core.train.TrainingListener;
import dev.peft4j.core.train.TrainingResult;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.data.Labels;
import dev.peft4j.models.data.RecordEncoder;
import dev.peft4j.models.image.Augmentation;
import dev.peft4j.models.image.ImageInput;
import dev.peft4j.models.image.ImageRecord;
import dev.peft4j.models.image.ImageRecords;
import dev.peft4j.models.image.Picture;
import dev.peft4j.models.image.Preprocessing;
import dev.peft4j.models.image.Resampling;
import dev.peft4j.models.image.Resize;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files of images are trained on: decoded and varied beside the steps, and to the same bits when a run goes on. */
class ImageDataTest {
    private static final int SIDE = 4;
    private static final Preprocessing GREY = Preprocessing.of(1)
            .withResize(Resize.exact(SIDE, SIDE), Resampling.BILINEAR)
            .withNormalization(List.of(0.5), List.of(0.5));
    private static final Augmentation VARIED =
            Augmentation.none().withLeastArea(0.5).withFlip(0.5).withColors(0.3, 0.3, 0, 0);

    @TempDir
    Path dir;

    /** A folder of bright and of dark images of several sizes. */
    private List<Example> files() throws IOException {
        Random random = new Random(4);
        for (int i = 0; i < 20; i++) {
            BufferedImage image = new BufferedImage(5 + i % 3, 6 + i % 4, BufferedImage.TYPE_INT_RGB);
            for (int y = 0; y < image.getHeight(); y++) {
                for (int x = 0; x < image.getWidth(); x++) {
                    int level = random.nextInt(100) + (i % 2 == 0 ? 150 : 0);
                    image.setRGB(x, y, (level << 16) | (level << 8) | level);
                }
            }
            Path file = dir.resolve("data/" + (i % 2 == 0 ? "bright" : "dark") + "/" + i + ".png");
            Files.createDirectories(file.getParent());
            ImageIO.write(image, "png", file.toFile());
        }
        List<ImageRecord> records = ImageRecords.defaults().read(dir.resolve("data"));
        Labels labels =
                Labels.ofClasses(records.stream().map(ImageRecord::labelled).toList());
        assertEquals(List.of("bright", "dark"), labels.names());
        return new RecordEncoder(new ImageInput(GREY, VARIED), TaskType.IMAGE_CLS, 0, labels)
                .encode(records.stream().map(ImageRecord::labelled).toList())
                .examples();
    }

    private static Adapter lora(ToyImageModel model) {
        LoraConfig config = LoraConfig.of(4, 8).withModulesToSave(List.of("output"));
        return AdapterFiles.method(config.peftType()).create(config, model, 3);
    }

    private static List<float[]> values(Adapter adapter) {
        return adapter.parameters().stream()
                .map(Parameter::value)
                .map(v -> v.toFloats())
                .toList();
    }

    private static TrainingListener at(int step, Runnable action) {
        return new TrainingListener() {
            @Override
            public void onStep(int now, double loss, double rate, double norm, int tokens, double seconds) {
                if (now == step) {
                    action.run();
                }
            }
        };
    }

    @Test
    void files_are_learnt_and_a_run_that_goes_on_sees_the_same_variants() throws IOException {
        List<Example> examples = files();
        TrainingConfig config = TrainingConfig.of(40, 6, 2e-2);
        List<float[]> whole;
        try (ToyImageModel model = new ToyImageModel(SIDE * SIDE, 2);
                Adapter adapter = lora(model)) {
            TrainingResult result = new Trainer(model, adapter, config, List.of()).train(examples, examples);
            assertTrue(
                    result.tuned().accuracy() > 0.9,
                    () -> "accuracy " + result.tuned().accuracy());
            whole = values(adapter);
        }
        Path state = dir.resolve("state.safetensors");
        try (ToyImageModel model = new ToyImageModel(SIDE * SIDE, 2);
                Adapter adapter = lora(model)) {
            Trainer[] trainer = new Trainer[1];
            trainer[0] = new Trainer(model, adapter, config, List.of(at(17, () -> trainer[0].stop())));
            assertEquals(
                    17, trainer[0].keepState(state).train(examples, examples).steps());
        }
        try (ToyImageModel model = new ToyImageModel(SIDE * SIDE, 2);
                Adapter adapter = lora(model)) {
            new Trainer(model, adapter, config, List.of()).resume(state).train(examples, examples);
            List<float[]> resumed = values(adapter);
            for (int i = 0; i < whole.size(); i++) {
                assertArrayEquals(whole.get(i), resumed.get(i));
            }
        }
    }

    @Test
    void a_file_that_becomes_unreadable_in_mid_training_ends_the_run_with_its_name() throws IOException {
        List<Example> examples = files();
        Path gone = dir.resolve("data/dark/7.png");
        try (ToyImageModel model = new ToyImageModel(SIDE * SIDE, 2);
                Adapter adapter = lora(model)) {
            Trainer trainer = new Trainer(
                    model, adapter, TrainingConfig.of(40, 6, 2e-2), List.of(at(3, () -> write(gone, "no image"))));
            UncheckedIOException e = assertThrows(UncheckedIOException.class, () -> trainer.train(examples, List.of()));
            assertTrue(String.valueOf(e.getMessage()).startsWith(gone + ": an image was expected"), e::getMessage);
        }
    }

    private static void write(Path file, String text) {
        try {
            Files.writeString(file, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void a_step_takes_as_long_as_its_images_are_waited_for() throws IOException {
        List<Example> slow = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            Targets label = new Targets.Classes(new int[] {i % 2});
            ImageBatch.Image image = new ImageBatch.Image(new float[SIDE * SIDE], 1, SIDE, SIDE, label);
            slow.add(new VariedImage("image " + i, 1, label, () -> after(100, image), null));
        }
        try (ToyImageModel model = new ToyImageModel(SIDE * SIDE, 2);
                Adapter adapter = lora(model)) {
            TrainingResult result =
                    new Trainer(model, adapter, TrainingConfig.of(1, 4, 1e-2), List.of()).train(slow, List.of());
            assertTrue(result.seconds() >= 0.4, () -> result.seconds() + " seconds");
        }
    }

    private static ImageBatch.Image after(int milliseconds, ImageBatch.Image image) {
        long end = System.nanoTime() + 1_000_000L * milliseconds;
        while (System.nanoTime() < end) {
            LockSupport.parkNanos(end - System.nanoTime());
        }
        return image;
    }

    @Test
    void cifar_10_is_read_and_prepared_as_its_network_says() throws IOException {
        List<ImageRecord> records = ImageRecords.defaults().read(Shared.require("data/cifar10/test_2000.bin.gz"));
        assertEquals(2000, records.size());
        List<String> first = records.subList(0, 4).stream()
                .map(r -> String.valueOf(r.label()))
                .toList();
        assertEquals(List.of("7", "9", "3", "3"), first); // as golden.json of the network has them
        Preprocessing p = Preprocessing.read(Shared.require("models/resnet20_cifar10"));
        Picture picture = records.get(1).picture();
        ImageBatch.Image image = p.apply(picture, Targets.none());
        double expected = (picture.level(2, 5, 6) / 255.0 - 0.406) / 0.225;
        assertEquals(expected, image.values()[(2 * 32 + 5) * 32 + 6], 1e-6);
        List<String> names = new ArrayList<>(List.of("airplane", "automobile", "bird", "cat", "deer"));
        names.addAll(List.of("dog", "frog", "horse", "ship", "truck"));
        Labels labels = new Labels(ProblemType.SINGLE_LABEL_CLASSIFICATION, names.size(), names);
        VariedImage horse = records.get(0).example(labels, p, Augmentation.none());
        assertArrayEquals(new int[] {7}, ((Targets.Classes) horse.targets()).classes());
    }

    @Test
    void mnist_is_read_with_the_labels_beside_it() throws IOException {
        Path file = Shared.require("data/mnist_t10k/first2400-images-idx3-ubyte.gz");
        List<ImageRecord> records = ImageRecords.defaults().read(file);
        assertEquals(2400, records.size());
        assertEquals("Picture[1 x 28 x 28]", records.get(0).picture().toString());
        assertEquals("7", records.get(0).label()); // the first of MNIST's test images is a seven
        assertEquals(
                10,
                Labels.ofClasses(records.stream().map(ImageRecord::labelled).toList())
                        .outputs());
    }
}
