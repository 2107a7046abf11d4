package dev.peft4j.examples;

import dev.peft4j.core.autograd.NonFiniteException;
import dev.peft4j.core.model.MergedModel;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.model.PackedBatch;
import dev.peft4j.core.train.Evaluation;
import dev.peft4j.core.train.HtmlReport;
import dev.peft4j.core.train.JsonlLog;
import dev.peft4j.core.train.Schedule;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.core.train.TrainingListener;
import dev.peft4j.models.TextTokenizer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Fine-tunes a model on a data file. */
@Command(
        name = "train",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Fine-tunes a model and writes an adapter, a log and a report.",
        footer = {
            "",
            "Examples:",
            "  peft4j train --model DIR --data train.jsonl --eval-data dev.jsonl --out adapter",
            "  peft4j train --model DIR --data train.csv --prompt-column question --text-column answer \\",
            "      --r 16 --lora-alpha 32 --target-modules all-linear --lr 5e-3 --steps 300 --out adapter",
            "  peft4j train --model BERT --data train.tsv --columns sentence,label --text-column sentence \\",
            "      --label-column label --classes 2 --out adapter"
        })
final class TrainCommand implements Callable<Integer> {
    @Mixin
    ModelOptions modelOptions = new ModelOptions();

    @Option(
            names = "--data",
            required = true,
            paramLabel = "FILE",
            description = "records to train on: .jsonl, .csv or .tsv, also .gz")
    Path data = Path.of("");

    @Option(
            names = "--eval-data",
            paramLabel = "FILE",
            description = "held-out records; without it every tenth record is held out")
    @Nullable
    Path evalData;

    @Option(names = "--limit", paramLabel = "N", description = "train on the first N records only")
    int limit;

    @Option(names = "--eval-limit", paramLabel = "N", description = "evaluate on the first N held-out records only")
    int evalLimit;

    @Mixin
    DataOptions dataOptions = new DataOptions();

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "adapter, log.jsonl and report.html go here (default: ${DEFAULT-VALUE})")
    Path out = Path.of("run/adapter");

    @Option(
            names = "--on",
            paramLabel = "DIR",
            description = "adapter that is active below the new one and stays as it is; can be repeated")
    List<Path> below = List.of();

    @Mixin
    MethodOptions methodOptions = new MethodOptions();

    @Option(names = "--steps", paramLabel = "N", description = "optimiser steps (default: whole epochs)")
    int steps;

    @Option(names = "--epochs", paramLabel = "N", description = "passes over the data (default: ${DEFAULT-VALUE})")
    double epochs = 1;

    @Option(
            names = "--batch-size",
            paramLabel = "N",
            description = "records of a forward pass (default: ${DEFAULT-VALUE})")
    int batchSize = 16;

    @Option(names = "--group-by-length", description = "records of like length in a forward pass")
    boolean groupByLength;

    @Option(
            names = "--accumulate",
            paramLabel = "N",
            description = "forward passes of a step (default: ${DEFAULT-VALUE})")
    int accumulate = 1;

    @Option(names = "--lr", paramLabel = "RATE", description = "learning rate (default: ${DEFAULT-VALUE})")
    double learningRate = 1e-3;

    @Option(
            names = "--schedule",
            paramLabel = "NAME",
            description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE})")
    Schedule schedule = Schedule.LINEAR;

    @Option(
            names = "--warmup",
            paramLabel = "SHARE",
            description = "share of the steps with a rising rate (default: ${DEFAULT-VALUE})")
    double warmup = 0.1;

    @Option(names = "--weight-decay", paramLabel = "D", description = "of AdamW (default: ${DEFAULT-VALUE})")
    double weightDecay;

    @Option(
            names = "--max-grad-norm",
            paramLabel = "N",
            description = "clip gradients to this norm, 0 for never (default: ${DEFAULT-VALUE})")
    double maxGradNorm = 1;

    @Option(
            names = "--eval-every",
            paramLabel = "N",
            description = "evaluate every N steps and save the adapter; 0 for only at the ends")
    int evalEvery;

    @Option(names = "--patience", paramLabel = "N", description = "stop after N evaluations without improvement")
    int patience;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "of initial values, order and dropout (default: ${DEFAULT-VALUE})")
    long seed;

    @Option(
            names = "--resume",
            description = "go on with the run in --out, which has to have the same settings and data")
    boolean resume;

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        PrintWriter console = spec.commandLine().getOut();
        TrainingConfig config = new TrainingConfig(
                steps,
                epochs,
                batchSize,
                groupByLength,
                accumulate,
                learningRate,
                schedule,
                warmup,
                weightDecay,
                maxGradNorm,
                evalEvery,
                patience,
                seed);
        boolean full = methodOptions.isFull();
        if (full && resume) {
            throw new IllegalArgumentException(
                    "--resume was given with --method full, which keeps no state. Start again, or train an adapter.");
        }
        if (full && !below.isEmpty()) {
            throw new IllegalArgumentException("--on was given with --method full, which changes the weights below"
                    + " adapters. Merge them first, or train an adapter.");
        }
        methodOptions.check();
        if (full) {
            MergedModel.checkOutput(out);
        } else {
            AdapterSet.checkOutput(out, methodOptions.names());
        }
        try (Model model = modelOptions.open(seed);
                TextTokenizer tokenizer = TextTokenizer.open(modelOptions.model, model.vocabularySize());
                AdapterSet adapters = AdapterSet.create(methodOptions, below, model, tokenizer, seed)) {
            List<PackedBatch.Sequence> records = dataOptions
                    .readTraining(data, limit, adapters.rowsInFront(), model, tokenizer, console)
                    .sequences();
            List<PackedBatch.Sequence> heldOut = evalData == null
                    ? List.of()
                    : dataOptions
                            .read(evalData, evalLimit, adapters.rowsInFront(), model, tokenizer, console)
                            .sequences();
            if (evalData == null) {
                Split split = Split.everyTenth(records);
                records = split.train;
                heldOut = split.heldOut;
                console.printf("held out: every tenth record (%,d)%n", heldOut.size());
            }
            train(console, config, model, adapters, records, heldOut, full);
        }
        return 0;
    }

    private void train(
            PrintWriter console,
            TrainingConfig config,
            Model model,
            AdapterSet adapters,
            List<PackedBatch.Sequence> records,
            List<PackedBatch.Sequence> heldOut,
            boolean full)
            throws IOException {
        Path reports = full ? Path.of(out + "-report") : out;
        Files.createDirectories(reports);
        HtmlReport report = new HtmlReport("peft4j: " + methodOptions.method + " on " + data.getFileName(), settings());
        try (ConsoleProgress progress = new ConsoleProgress(console);
                JsonlLog log = new JsonlLog(reports.resolve("log.jsonl"))) {
            List<TrainingListener> listeners = new ArrayList<>(List.of(progress, log, report));
            if (!full) {
                listeners.add(new Saver(adapters, model));
            }
            Trainer trainer = new Trainer(model, adapters.all(), config, listeners);
            if (!full) {
                Path state = out.resolve("trainer_state.safetensors");
                trainer = resume ? trainer.resume(state) : trainer.keepState(state);
            }
            trainer.train(records, heldOut);
        } catch (NonFiniteException e) {
            console.println(
                    full ? "nothing was written" : "the last good adapter is in " + out + " if --eval-every was given");
            throw e;
        }
        if (full) {
            MergedModel.write(out, model, adapters.all().get(0));
        } else {
            adapters.save(out, model);
        }
        report.write(reports.resolve("report.html"));
        if (full) {
            console.printf("model:   %s%n", out);
        } else {
            adapters.directories(out).forEach(d -> console.printf("adapter: %s%n", d));
        }
        console.printf("report:  %s%n", reports.resolve("report.html"));
    }

    private Map<String, String> settings() {
        Map<String, String> s = new LinkedHashMap<>();
        s.put("model", modelOptions.model.toString());
        s.put("data", data.toString());
        s.put("held out", evalData == null ? "every tenth record" : evalData.toString());
        if (!below.isEmpty()) {
            s.put("on", below.toString());
        }
        s.putAll(methodOptions.settings());
        s.put("batch", batchSize + (groupByLength ? " records of like length x " : " records x ") + accumulate);
        s.put("learning rate", learningRate + ", " + schedule + ", warm-up " + warmup);
        s.put("weight decay, clipping", weightDecay + ", " + maxGradNorm);
        s.put("seed", String.valueOf(seed));
        return s;
    }

    /** Saves the adapter at each evaluation, so that a run that ends badly leaves the last good one. */
    private final class Saver implements TrainingListener {
        private final AdapterSet adapters;
        private final Model model;

        Saver(AdapterSet adapters, Model model) {
            this.adapters = adapters;
            this.model = model;
        }

        @Override
        public void onEvaluation(int step, Evaluation evaluation) {
            if (step == 0) {
                return;
            }
            try {
                adapters.save(out, model);
            } catch (IOException e) {
                throw new UncheckedIOException(e.getMessage(), e);
            }
        }
    }

    /** Records to train on, and every tenth one held out. */
    private record Split(List<PackedBatch.Sequence> train, List<PackedBatch.Sequence> heldOut) {
        static Split everyTenth(List<PackedBatch.Sequence> records) {
            List<PackedBatch.Sequence> train = new ArrayList<>();
            List<PackedBatch.Sequence> heldOut = new ArrayList<>();
            for (int i = 0; i < records.size(); i++) {
                (i % 10 == 9 ? heldOut : train).add(records.get(i));
            }
            return new Split(train, heldOut);
        }
    }
}
