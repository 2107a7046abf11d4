package dev.peft4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.format.Json;
import dev.peft4j.core.format.SafetensorsFile;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Strategies and features on the command line. */
class StrategyCommandsTest {
    @TempDir
    Path dir;

    private Path model;
    private Path data;
    private Path out;
    private final CommandFixture cli = new CommandFixture();

    @BeforeEach
    void prepare() throws IOException {
        model = TinyBert.write(dir.resolve("bert"));
        data = TinyBert.table(dir.resolve("train.csv"), 24, "0", "1", "2");
        out = dir.resolve("out");
    }

    private Object[] compare(String methods, Object... more) {
        List<Object> all = new ArrayList<>(List.of("compare", "--methods", methods, "--model", model));
        all.addAll(List.of("--data", data, "--eval-data", data, "--out", out));
        all.addAll(Arrays.asList(more));
        return all.toArray();
    }

    private Object[] train(Object... more) {
        List<Object> all = new ArrayList<>(List.of("train", "--model", model, "--data", data, "--eval-data", data));
        all.addAll(List.of("--out", out, "--lr", "1e-2"));
        all.addAll(Arrays.asList(more));
        return all.toArray();
    }

    @ParameterizedTest
    @ValueSource(strings = {"head", "head@1>last:1@1>full,decay=0.8", "norms+head", "cached-head"})
    void a_strategy_writes_a_model_that_has_what_was_trained(String strategy) {
        String printed = cli.works(train("--strategy", strategy, "--epochs", 3));
        assertTrue(printed.contains("stage 1 of "), printed);
        assertTrue(printed.contains("trainable params: "), printed);
        Matcher tuned = Pattern.compile("tuned: +(.*)").matcher(printed);
        assertTrue(tuned.find(), printed);
        String evaluated = cli.works("eval", "--model", out, "--data", data);
        Matcher accuracy = Pattern.compile("accuracy (\\S+)").matcher(tuned.group(1));
        assertTrue(accuracy.find(), printed);
        assertTrue(evaluated.contains(accuracy.group(1)), evaluated + printed);
        cli.fails("holds files", train("--strategy", strategy, "--epochs", 3));
    }

    @Test
    void features_are_cached_on_the_disk() throws IOException {
        Path cache = dir.resolve("cache");
        cli.works(train("--strategy", "cached-head", "--feature-cache", cache));
        assertTrue(Files.exists(cache.resolve("train.safetensors")));
        assertTrue(Files.exists(cache.resolve("held-out.safetensors")));
        out = dir.resolve("again");
        cli.works(train("--strategy", "cached-head", "--feature-cache", cache, "--seed", 4));
        out = dir.resolve("third");
        cli.fails("hash of the records", train("--strategy", "cached-head", "--feature-cache", cache, "--limit", 5));
    }

    @Test
    void what_does_not_go_together_is_refused() {
        cli.fails("--method", train("--strategy", "head", "--method", "lora"));
        cli.fails("--r was given", train("--strategy", "head", "--r", 4));
        cli.fails("Did you mean head?", train("--strategy", "hed"));
        cli.fails("has 2 blocks", train("--strategy", "last:7"));
        cli.fails("--feature-cache was given", train("--strategy", "head", "--feature-cache", dir.resolve("c")));
        cli.fails("--feature-cache was given", train("--feature-cache", dir.resolve("c")));
        assertFalse(Files.exists(out.resolve("config.json")));
    }

    @Test
    void two_rows_of_one_directory_are_refused_before_anything_is_trained() {
        cli.fails("names head twice", compare("strategy:head,lr=1e-2,strategy:head,lr=1e-3"));
    }

    @Test
    void strategies_and_methods_are_compared_in_one_table() {
        String printed = cli.works(compare(
                "lora,full:1e-3,strategy:head@50%,rate=2>full,decay=0.5,lr=2e-3,strategy:cached-head,epochs=10,lr=1e-2,bitfit",
                "--epochs", 2));
        for (String row :
                List.of("lora", "full", "head@50%,rate=2>full,decay=0.5", "cached-head,epochs=10", "bitfit")) {
            assertTrue(
                    Pattern.compile("(?m)^" + Pattern.quote(row) + " ")
                            .matcher(printed)
                            .find(),
                    row + printed);
        }
        assertTrue(printed.contains("head@50%,rate=2>full,decay=0.5, rate 0.002"), printed);
        String evaluated = cli.works("eval", "--model", out.resolve("strategy-full"), "--data", data);
        assertTrue(evaluated.contains("accuracy"), evaluated);
        cli.fails("holds files", compare("full"));
        cli.fails("a rate and a count of epochs are numbers", compare("strategy:full,lr=fast"));
    }

    @Test
    void a_config_is_enough_to_train_from_scratch() throws IOException {
        Files.delete(model.resolve("model.safetensors"));
        cli.fails("neither model.safetensors", train("--method", "full"));
        cli.fails("would stay random", train("--from-scratch"));
        cli.fails("would stay random", train("--from-scratch", "--strategy", "full@1>head"));
        String printed = cli.works(train("--from-scratch", "--strategy", "head@1>full", "--epochs", 3));
        assertTrue(printed.contains("trainable%: 100"), printed);
        cli.works("eval", "--model", out, "--data", data);
    }

    @Test
    void statistics_of_nothing_are_not_kept() throws IOException {
        Path network = Files.createDirectory(dir.resolve("resnet"));
        Files.writeString(
                network.resolve("config.json"),
                "{\"model_type\": \"resnet\", \"embedding_size\": 4, \"hidden_sizes\": [4], \"depths\": [1]}");
        Path images = dir.resolve("images");
        for (String name : List.of("a/1.png", "a/2.png", "b/1.png", "b/2.png")) {
            Path file = images.resolve(name);
            Files.createDirectories(file.getParent());
            ImageIO.write(new BufferedImage(9, 9, BufferedImage.TYPE_INT_RGB), "png", file.toFile());
        }
        Object[] options = {"train", "--model", network, "--data", images, "--out", out, "--from-scratch"};
        cli.fails("Add --strategy full,statistics=batch", with(options, "--method", "full"));
        cli.fails("weights are made in f32", with(options, "--method", "full", "--dtype", "bf16"));
        cli.works(with(options, "--strategy", "full,statistics=batch"));
        Files.writeString(
                network.resolve("config.json"),
                "{\"model_type\": \"resnet\", \"embedding_size\": 100000, \"hidden_sizes\": [100000], \"depths\": [1]}");
        options[Arrays.asList(options).indexOf(out)] = dir.resolve("other");
        cli.fails("has at most", with(options, "--strategy", "full,statistics=batch"));
    }

    private static Object[] with(Object[] options, Object... more) {
        return Stream.concat(Arrays.stream(options), Arrays.stream(more)).toArray();
    }

    @Test
    void optimizers_take_their_own_options_alone() {
        Object[] sgd = {"--optimizer", "sgd", "--nesterov", "--weight-decay", "1e-4", "--schedule", "cosine"};
        cli.works(train(sgd));
        cli.fails("--nesterov was given with --optimizer adamw", train("--nesterov"));
        cli.fails("--momentum was given with --optimizer adamw", train("--momentum", "0.5"));
        cli.fails("looks nowhere", train("--optimizer", "sgd", "--nesterov", "--momentum", "0"));
        cli.fails("from 0 to below 1", train("--optimizer", "sgd", "--momentum", "1"));
    }

    @Test
    void features_of_a_layer_are_written() throws IOException {
        Path tensors = dir.resolve("features.safetensors");
        String layer = "bert.encoder.layer.1";
        cli.works("features", "--model", model, "--data", data, "--layer", layer, "--out", tensors, "--limit", 5);
        Path lines = dir.resolve("features.jsonl");
        cli.works("features", "--model", model, "--data", data, "--layer", layer, "--out", lines, "--limit", 5);
        try (SafetensorsFile file = SafetensorsFile.open(tensors)) {
            assertEquals(5, file.tensors().get("features").rows());
        }
        List<String> read = Files.readAllLines(lines);
        assertEquals(5, read.size());
        assertTrue(Json.parse(read.get(0)).get("features") instanceof List<?> row && row.size() > 1, read.get(0));
        cli.works("features", "--model", model, "--data", data, "--layer", layer, "--rows", "all", "--out", tensors);
        try (SafetensorsFile file = SafetensorsFile.open(tensors)) {
            assertTrue(file.tensors().get("features").rows() > 24);
            assertTrue(file.tensors().containsKey("rows"));
        }
        cli.fails(
                "Did you mean bert.encoder.layer.0?",
                "features",
                "--model",
                model,
                "--data",
                data,
                "--layer",
                "bert.encoder.layer.3",
                "--out",
                tensors);
        cli.fails(
                "says no form",
                "features",
                "--model",
                model,
                "--data",
                data,
                "--layer",
                layer,
                "--out",
                dir.resolve("features.txt"));
    }
}
