package dev.peft4j.cli;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.format.Json;
import dev.peft4j.models.image.Preprocessing;
import dev.peft4j.models.image.Resampling;
import dev.peft4j.models.image.Resize;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code --mixup} reaches the runs of train and compare, and is refused where nothing can be mixed. */
class MixupOptionTest {
    private static final Path RESNET = Path.of(
            System.getProperty("peft4j.root", ".."), "peft-tests/src/test/resources/golden/models/resnet_small");
    private static final int SIDE = 16;

    @TempDir
    Path dir;

    private Path model;
    private Path pictures;
    private final CommandFixture cli = new CommandFixture();

    @BeforeEach
    void prepare() throws IOException {
        model = Files.createDirectories(dir.resolve("resnet"));
        for (String file : List.of("config.json", "model.safetensors")) {
            Files.copy(RESNET.resolve(file), model.resolve(file));
        }
        Preprocessing small = Preprocessing.of(3).withResize(Resize.exact(SIDE, SIDE), Resampling.BILINEAR);
        Files.writeString(model.resolve("preprocessor_config.json"), Json.print(small.toJson()));
        pictures = dir.resolve("pictures");
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 12; i++) {
            BufferedImage image = new BufferedImage(SIDE, SIDE, BufferedImage.TYPE_INT_RGB);
            image.setRGB(0, 0, SIDE, SIDE, random.ints(SIDE * SIDE, 0, 1 << 24).toArray(), 0, SIDE);
            Path file = pictures.resolve("abc".charAt(i % 3) + "/" + i + ".png");
            Files.createDirectories(file.resolveSibling("."));
            ImageIO.write(image, "png", file.toFile());
        }
    }

    private Object[] words(String command, String out, Object... more) {
        List<Object> all = new ArrayList<>(List.of(command, "--model", model, "--data", pictures));
        all.addAll(List.of("--eval-data", pictures, "--steps", 3, "--batch-size", 4, "--out", dir.resolve(out)));
        all.addAll(Arrays.asList(more));
        return all.toArray();
    }

    private boolean isSame(String one, String other) throws IOException {
        return Arrays.equals(
                Files.readAllBytes(dir.resolve(one).resolve("adapter_model.safetensors")),
                Files.readAllBytes(dir.resolve(other).resolve("adapter_model.safetensors")));
    }

    @Test
    void train_mixes_and_goes_on_with_the_same_alpha_only() throws IOException {
        cli.works(words("train", "plain", "--r", 2));
        cli.works(words("train", "mixed", "--r", 2, "--mixup", 0.4));
        cli.works(words("train", "again", "--r", 2, "--mixup", 0.4));
        cli.works(words("train", "other", "--r", 2, "--mixup", 0.5));
        assertTrue(isSame("mixed", "again"));
        assertFalse(isSame("mixed", "plain"));
        assertFalse(isSame("mixed", "other"));
        assertTrue(Files.readString(dir.resolve("mixed/report.html")).contains("mixup"));
        assertFalse(Files.readString(dir.resolve("plain/report.html")).contains("mixup"));
        cli.fails("go on with mixup 0.3", words("train", "mixed", "--r", 2, "--mixup", 0.3, "--resume"));
        cli.fails("go on with mixup nothing", words("train", "mixed", "--r", 2, "--resume"));
        cli.works(words("train", "mixed", "--r", 2, "--mixup", 0.4, "--resume"));
    }

    @Test
    void compare_mixes_each_run() throws IOException {
        cli.works(words("compare", "plain", "--methods", "lora", "--r", 2));
        cli.works(words("compare", "mixed", "--methods", "lora,strategy:head", "--r", 2, "--mixup", 0.4));
        assertFalse(isSame("mixed/lora", "plain/lora"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-0.5", "NaN", "Infinity"})
    void alphas_out_of_range_are_refused(String alpha) {
        String message = "mixup " + Double.parseDouble(alpha) + " was given; it must be a number above 0";
        cli.fails(message, words("train", "out", "--mixup", alpha));
        cli.fails(message, words("compare", "out", "--methods", "lora", "--mixup", alpha));
        assertFalse(Files.exists(dir.resolve("out")));
    }

    @Test
    void texts_and_cached_features_are_refused() throws IOException {
        String cached = "--mixup was given with the strategy cached-head, whose features";
        cli.fails(cached, words("train", "out", "--strategy", "cached-head", "--mixup", 0.2));
        model = TinyBert.write(dir.resolve("bert"));
        pictures = TinyBert.table(dir.resolve("texts.csv"), 12, "0", "1", "2");
        String texts = "--mixup was given with a model of texts, whose tokens cannot be mixed";
        cli.fails(texts, words("train", "out", "--mixup", 0.2));
        cli.fails(texts, words("compare", "out", "--methods", "lora", "--mixup", 0.2));
        assertFalse(Files.exists(dir.resolve("out")));
    }

    @Test
    void a_comparison_mixes_all_but_what_is_cached() {
        String methods = "strategy:head,strategy:cached-head";
        cli.works(words("compare", "plain", "--methods", methods));
        cli.works(words("compare", "mixed", "--methods", methods, "--mixup", 0.2));
        assertTrue(differ("strategy-head"));
        assertFalse(differ("strategy-cached-head"));
    }

    private boolean differ(String run) {
        String weights = run + "/model.safetensors";
        try {
            return Files.mismatch(
                            dir.resolve("plain").resolve(weights),
                            dir.resolve("mixed").resolve(weights))
                    >= 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void the_help_tells_of_it() {
        for (String command : List.of("train", "compare")) {
            assertTrue(cli.works(command, "--help").contains("--mixup=ALPHA"));
        }
    }
}
