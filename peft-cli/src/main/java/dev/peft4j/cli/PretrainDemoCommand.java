package dev.peft4j.cli;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.FullFineTuning;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.models.Models;
import dev.peft4j.models.TextTokenizer;
import dev.peft4j.models.data.RecordEncoder;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Makes the base model of the demo from nothing. */
@Command(
        name = "pretrain-demo",
        mixinStandardHelpOptions = true,
        description = "Makes the base model of the demo: random weights, trained on generated stories. A few minutes.",
        footer = {"", "Example:", "  peft4j pretrain-demo --out peft-cli/src/main/resources/demo"})
final class PretrainDemoCommand implements Callable<Integer> {
    private static final int STORIES = 40_000;
    private static final int HELD_OUT = 200;

    @Option(names = "--out", paramLabel = "DIR", description = "directory of the model (default: ${DEFAULT-VALUE})")
    Path out = Path.of("run/demo-base");

    @Option(names = "--steps", paramLabel = "N", description = "optimiser steps (default: ${DEFAULT-VALUE})")
    int steps = 4000;

    @Option(names = "--seed", paramLabel = "N", description = "of weights, texts and order (default: ${DEFAULT-VALUE})")
    long seed = 1;

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        PrintWriter console = spec.commandLine().getOut();
        Files.createDirectories(out);
        try (Model model = Models.random(out, DemoModel.writeFiles(out), Backend.auto(), seed);
                TextTokenizer tokenizer = TextTokenizer.open(out, model.vocabularySize());
                Adapter all = new FullFineTuning(model)) {
            RecordEncoder encoder = new RecordEncoder(tokenizer, TaskType.CAUSAL_LM, model.contextLength());
            List<Example> records =
                    encoder.encode(new DemoText(seed).stories(STORIES)).examples();
            List<Example> heldOut =
                    encoder.encode(new DemoText(seed + 1).stories(HELD_OUT)).examples();
            TrainingConfig config = TrainingConfig.of(steps, 32, 3e-3).withSeed(seed);
            try (ConsoleProgress progress = new ConsoleProgress(console, model.taskType())) {
                new Trainer(model, all, config, List.of(progress)).train(records, heldOut);
            }
            model.weights().write(out.resolve("model.safetensors"), Map.of());
        }
        console.println("model: " + out);
        return 0;
    }
}
