package dev.peft4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.format.Json;
import dev.peft4j.core.format.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Heads of several layers and of the mean on the command line. */
class HeadCommandsTest {
    private static final Object[] HEAD = {"--classes", 4, "--head-layers", "6,5", "--head-pooling", "mean"};

    @TempDir
    Path dir;

    private Path model;
    private Path data;
    private Path out;
    private final CommandFixture cli = new CommandFixture();

    @BeforeEach
    void prepare() throws IOException {
        model = TinyBert.write(dir.resolve("bert")); // its head has three classes
        data = TinyBert.table(dir.resolve("train.csv"), 24, "good", "bad", "fine", "poor");
        out = dir.resolve("out");
    }

    private Object[] train(Object... more) {
        List<Object> all = new ArrayList<>(List.of("train", "--model", model, "--data", data, "--eval-data", data));
        all.addAll(List.of("--out", out, "--lr", "1e-2"));
        all.addAll(Arrays.asList(more));
        return all.toArray();
    }

    private static Object[] and(Object[] first, Object... more) {
        List<Object> all = new ArrayList<>(Arrays.asList(first));
        all.addAll(Arrays.asList(more));
        return all.toArray();
    }

    /** The loss behind training, as it is printed. */
    private static String loss(String printed, String of) {
        Matcher loss = Pattern.compile(of + " +loss (\\S+)").matcher(printed);
        assertTrue(loss.find(), printed);
        return loss.group(1);
    }

    @Test
    void an_adapter_brings_its_head_to_eval_merge_and_runs_on_it() throws IOException {
        cli.works(train(and(HEAD, "--epochs", 3)));
        try (SafetensorsFile file = SafetensorsFile.open(out.resolve("adapter_model.safetensors"))) {
            assertTrue(file.tensors().containsKey("base_model.model.classifier.4.weight"), file.tensors() + "");
            assertEquals("[6, 5]", file.metadata().get("head_layers"));
            assertEquals("mean", file.metadata().get("classifier_pooling"));
        }
        String tuned = loss(cli.works("eval", "--model", model, "--adapter", out, "--data", data), "tuned");
        Path merged = dir.resolve("merged");
        cli.works("merge", "--model", model, "--adapter", out, "--out", merged);
        assertEquals(List.of(6, 5), Json.read(merged.resolve("config.json")).get("head_layers"));
        assertEquals(tuned, loss(cli.works("eval", "--model", merged, "--data", data), "base"));
        Path on = out;
        out = dir.resolve("second");
        String printed = cli.works(train("--on", on, "--epochs", 1));
        assertTrue(printed.contains("trainable params: "), printed);
        out = dir.resolve("third");
        cli.fails("has a head already", train(and(HEAD, "--on", on)));
    }

    @Test
    void a_strategy_writes_a_model_with_its_head() throws IOException {
        Path cache = dir.resolve("cache");
        String printed =
                cli.works(train(and(HEAD, "--strategy", "cached-head", "--epochs", 3, "--feature-cache", cache)));
        assertTrue(printed.contains("stage 1 of 1"), printed);
        assertEquals("mean", Json.read(out.resolve("config.json")).get("classifier_pooling"));
        assertEquals(List.of(6, 5), Json.read(out.resolve("config.json")).get("head_layers"));
        String evaluated = cli.works("eval", "--model", out, "--data", data);
        assertFalse(evaluated.contains("random"), evaluated);
        Path first = out;
        out = dir.resolve("again");
        cli.works(train(and(HEAD, "--strategy", "cached-head", "--epochs", 3, "--feature-cache", cache)));
        assertEquals(-1, Files.mismatch(first.resolve("model.safetensors"), out.resolve("model.safetensors")));
    }

    @Test
    void a_run_goes_on_with_the_head_that_it_began_with() {
        Object[] mean = {"--classes", 4, "--head-pooling", "mean", "--steps", 4, "--save-steps", 1};
        cli.works(train(mean));
        cli.fails("loss", train("--classes", 4, "--steps", 4, "--save-steps", 1, "--resume"));
        cli.fails("a run was to go on", train(and(HEAD, "--steps", 4, "--save-steps", 1, "--resume")));
        cli.works(train(and(mean, "--resume")));
    }

    @Test
    void methods_are_compared_with_one_head() throws IOException {
        Object[] compare = {"compare", "--model", model, "--data", data, "--eval-data", data, "--steps", 3, "--out", out
        };
        cli.works(and(and(compare, HEAD), "--methods", "lora,strategy:cached-head"));
        assertEquals(
                List.of(6, 5),
                Json.read(out.resolve("strategy-cached-head").resolve("config.json"))
                        .get("head_layers"));
        String evaluated = cli.works("eval", "--model", model, "--adapter", out.resolve("lora"), "--data", data);
        assertTrue(evaluated.contains("tuned"), evaluated);
    }

    @Test
    void what_cannot_be_is_refused() throws IOException {
        Path four = data;
        data = TinyBert.table(dir.resolve("three.csv"), 12, "good", "bad", "fine");
        cli.fails("a head of its own", train("--head-layers", 6));
        data = four;
        cli.fails("from 1 to 65536", train("--head-layers", "6,0", "--classes", 4));
        cli.fails("only classifiers of whole texts", train("--head-layers", 6, "--task", "token-cls"));
        cli.fails("--head-pooling", train("--head-pooling", "max"));
        assertFalse(Files.exists(out.resolve("adapter_config.json")));
        cli.works(train("--help"));
    }
}
