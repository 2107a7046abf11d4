package dev.peft4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.Dataset;
import dev.peft4j.FineTuned;
import dev.peft4j.Report;
import dev.peft4j.TextModel;
import dev.peft4j.Training;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.train.Evaluation;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.data.TextRecord;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The library and the command line say the same of the same records. */
class LibraryTest {
    @TempDir
    Path dir;

    private final CommandFixture cli = new CommandFixture();

    private Path reports(String name, int seed) throws IOException {
        List<String> lines = new ArrayList<>();
        for (TextRecord r : new DemoText(seed).reports(30)) {
            lines.add(Json.printLine(Map.of("prompt", r.prompt(), "completion", r.text())));
        }
        return Files.write(dir.resolve(name), lines);
    }

    private static String line(String name, Evaluation e) {
        return String.format(
                Locale.ROOT,
                "%-6s loss %.4f  %s %s  (%s)",
                name,
                e.loss(),
                e.measureName(),
                e.measuredText(),
                e.countText());
    }

    private void sameAsEval(Path model, Path train, Path dev, String baseName) throws IOException {
        Path adapter = dir.resolve("adapter");
        Report report;
        try (TextModel base = TextModel.open(model);
                FineTuned tuned = base.fineTune(
                        LoraConfig.of(4, 8),
                        Dataset.read(train).heldOut(Dataset.read(dev)),
                        Training.steps(10).learningRate(1e-2))) {
            report = tuned.report();
            tuned.save(adapter);
        }
        String printed = cli.works("eval", "--model", model, "--adapter", adapter, "--data", dev);
        assertTrue(printed.contains(line(baseName, Objects.requireNonNull(report.base()))), printed);
        assertTrue(printed.contains(line("tuned", Objects.requireNonNull(report.tuned()))), printed);
    }

    @Test
    void the_report_of_a_language_model_has_the_figures_of_eval() throws IOException {
        sameAsEval(DemoModel.unpack(dir.resolve("base")), reports("train.jsonl", 1), reports("dev.jsonl", 2), "base");
    }

    @Test
    void the_report_of_a_classifier_has_the_figures_of_eval() throws IOException {
        Path train = TinyBert.table(dir.resolve("train.csv"), 60, "good", "bad", "fine");
        Path dev = TinyBert.table(dir.resolve("dev.csv"), 21, "good", "bad", "fine");
        sameAsEval(TinyBert.write(dir.resolve("bert")), train, dev, "base");
    }

    @Test
    void a_training_of_the_library_gives_the_adapter_of_the_command_line() throws IOException {
        Path model = DemoModel.unpack(dir.resolve("base"));
        Path train = reports("train.jsonl", 1);
        cli.works("train", "--model", model, "--data", train, "--out", dir.resolve("a"), "--epochs", 2, "--seed", 4);
        try (TextModel base = TextModel.open(model)) {
            Training training = Training.epochs(2).seed(4).outputDir(dir.resolve("b"));
            base.fineTune(LoraConfig.of(8, 16), Dataset.read(train), training).close();
        }
        for (String file : List.of("adapter_model.safetensors", "adapter_config.json")) {
            assertEquals(
                    -1,
                    Files.mismatch(
                            dir.resolve("a").resolve(file), dir.resolve("b").resolve(file)),
                    file);
        }
        String resumed = cli.works(
                "train",
                "--model",
                model,
                "--data",
                train,
                "--out",
                dir.resolve("b"),
                "--epochs",
                2,
                "--seed",
                4,
                "--resume");
        assertTrue(resumed.contains("goes on from step"), resumed);
    }
}
