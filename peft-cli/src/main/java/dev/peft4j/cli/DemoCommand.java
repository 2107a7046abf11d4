package dev.peft4j.cli;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.train.HtmlReport;
import dev.peft4j.core.train.JsonlLog;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.CausalModel;
import dev.peft4j.models.GenerationConfig;
import dev.peft4j.models.Models;
import dev.peft4j.models.TextGenerator;
import dev.peft4j.models.TextTokenizer;
import dev.peft4j.models.data.RecordEncoder;
import dev.peft4j.models.data.TextRecord;
import dev.peft4j.run.RunDirectory;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The main job on what comes with the project: teaches a small model a new domain with LoRA. */
@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        description =
                "Fine-tunes a small Llama that comes with the project, with LoRA, on a domain it has never seen. Under a minute.",
        footer = {"", "Example:", "  peft4j demo"})
final class DemoCommand implements Callable<Integer> {
    private static final int REPORTS = 3000;
    private static final int HELD_OUT = 200;

    @Option(names = "--out", paramLabel = "DIR", description = "adapter and report go here (default: ${DEFAULT-VALUE})")
    Path out = Path.of("run/demo");

    @Option(names = "--steps", paramLabel = "N", description = "optimiser steps (default: ${DEFAULT-VALUE})")
    int steps = 800;

    @Option(names = "--seed", paramLabel = "N", description = "of initial values and order (default: ${DEFAULT-VALUE})")
    long seed = 1;

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        Path directory = out.resolve("adapter");
        RunDirectory.whileTaken(directory, List.of(directory), true, () -> run(directory));
        return 0;
    }

    private void run(Path directory) throws IOException {
        PrintWriter console = spec.commandLine().getOut();
        Path base = DemoModel.unpack(out.resolve("base"));
        LoraConfig lora = LoraConfig.of(8, 16).withTarget(TargetModules.allLinearLayers());
        TrainingConfig config =
                TrainingConfig.of(steps, 16, 5e-3).withSeed(seed).withEvaluation(200, 0);
        try (CausalModel model = (CausalModel) Models.load(base, Backend.auto(), 0, seed);
                TextTokenizer tokenizer = TextTokenizer.open(base, model.vocabularySize());
                Adapter adapter = AdapterFiles.method("LORA").create(lora, model, seed)) {
            RecordEncoder encoder = new RecordEncoder(tokenizer, TaskType.CAUSAL_LM, model.contextLength());
            List<Example> records =
                    encoder.encode(new DemoText(seed + 10).reports(REPORTS)).examples();
            List<TextRecord> held = new DemoText(seed + 20).reports(HELD_OUT);
            List<Example> heldOut = encoder.encode(held).examples();
            console.println(
                    "base: a Llama that has read stories about animals; new domain: weather reports from facts");
            HtmlReport report = new HtmlReport("peft4j demo: LoRA on a new domain", settings());
            try (ConsoleProgress progress = new ConsoleProgress(console, model.taskType());
                    JsonlLog log = new JsonlLog(directory.resolve("log.jsonl"))) {
                new Trainer(model, adapter, config, List.of(progress, log, report)).train(records, heldOut);
            }
            for (TextRecord record : held.subList(0, 2)) {
                String before = generate(model, List.of(), tokenizer, record.prompt());
                String after = generate(model, List.of(adapter), tokenizer, record.prompt());
                console.printf("%nprompt  %s%n  base  %s%n  tuned %s%n", record.prompt(), before, after);
                report.addSample(record.prompt(), before, after);
            }
            AdapterFiles.save(directory, model, adapter);
            report.write(directory.resolve("report.html"));
        }
        console.printf("%nadapter %s%nreport  %s%n", directory, directory.resolve("report.html"));
    }

    private static String generate(CausalModel model, List<Adapter> adapters, TextTokenizer tokenizer, String prompt) {
        try (TextGenerator generator = new TextGenerator(model, adapters)) {
            return GenerateCommand.continuation(generator, tokenizer, prompt, GenerationConfig.greedy(40));
        }
    }

    private Map<String, String> settings() {
        Map<String, String> s = new LinkedHashMap<>();
        s.put("base", "Llama, 3 layers, hidden 96, trained on generated stories (peft4j pretrain-demo)");
        s.put("data", REPORTS + " generated weather reports, loss on the report only");
        s.put("method", "lora, r 8, alpha 16, all linear layers");
        s.put("steps", steps + " of 16 records");
        s.put("learning rate", "0.005, linear, warm-up 0.1");
        s.put("seed", String.valueOf(seed));
        return s;
    }
}
