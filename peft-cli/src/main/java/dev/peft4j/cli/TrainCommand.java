package dev.peft4j.cli;

import dev.peft4j.core.data.Example;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.train.Checkpoints;
import dev.peft4j.core.train.HtmlReport;
import dev.peft4j.core.train.Objective;
import dev.peft4j.core.train.Strategy;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.core.train.TrainingResult;
import dev.peft4j.models.ModelInfo;
import dev.peft4j.models.ModelInput;
import dev.peft4j.models.NewHead;
import dev.peft4j.models.data.Classes;
import dev.peft4j.models.data.Labels;
import dev.peft4j.models.data.RecordEncoder;
import dev.peft4j.models.data.Split;
import dev.peft4j.models.data.TextRecord;
import dev.peft4j.run.RunDirectory;
import dev.peft4j.run.TrainedAdapters;
import dev.peft4j.run.TrainingRun;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
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
            "      --label-column label --out adapter"
        })
final class TrainCommand implements Callable<Integer> {
    @Mixin
    ModelOptions modelOptions = new ModelOptions();

    @Option(
            names = "--data",
            required = true,
            paramLabel = "FILE",
            description =
                    "records to train on: .jsonl, .csv or .tsv, also .gz, or .parquet; of images a folder of classes, such a table, or a file of CIFAR or MNIST")
    Path data = Path.of("");

    @Option(
            names = "--form",
            paramLabel = "FORM",
            description =
                    "what the records are: ${COMPLETION-CANDIDATES}; conversations, and answers that are compared or rated, are .jsonl (also .gz) or .parquet (default: ${DEFAULT-VALUE})")
    TrainingRecords.Form form = TrainingRecords.Form.RECORDS;

    @Mixin
    AnswerOptions answerOptions = new AnswerOptions();

    @Option(
            names = "--eval-data",
            paramLabel = "FILE",
            description =
                    "held-out records; without it a tenth is held out, drawn with --seed, unless it is one record of those that are compared with each other")
    @Nullable
    Path evalData;

    @Option(names = "--limit", paramLabel = "N", description = "train on the first N records only")
    int limit;

    @Option(names = "--eval-limit", paramLabel = "N", description = "evaluate on the first N held-out records only")
    int evalLimit;

    @Mixin
    HeadOptions headOptions = new HeadOptions();

    @Mixin
    DataOptions dataOptions = new DataOptions();

    @Mixin
    MixupOption mixup = new MixupOption();

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "adapter, log.jsonl and report.html go here (default: ${DEFAULT-VALUE})")
    Path out = Path.of("run/adapter");

    @Option(
            names = "--on",
            paramLabel = "DIR",
            description =
                    "adapter that is active below the new one and stays as it is, or hub:ORG/NAME[@REVISION]; can be repeated")
    List<Place> below = List.of();

    @Mixin
    MethodOptions methodOptions = new MethodOptions();

    @Mixin
    StrategyOptions strategyOptions = new StrategyOptions();

    @Mixin
    FromScratchOption fromScratch = new FromScratchOption();

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

    @Mixin
    UpdateOptions updateOptions = new UpdateOptions();

    @Option(
            names = "--eval-every",
            paramLabel = "N",
            description = "evaluate every N steps, and save the adapter if it is the best; 0 for only at the ends")
    int evalEvery;

    @Option(
            names = "--patience",
            paramLabel = "N",
            description = "stop after N evaluations without improvement, and keep the best parameters")
    int patience;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "of initial values, order and dropout (default: ${DEFAULT-VALUE})")
    long seed;

    @Option(
            names = "--save-seconds",
            paramLabel = "N",
            description =
                    "keep the state of the run every N seconds, 0 for never (default: ${DEFAULT-VALUE}); Ctrl-C keeps it too")
    int saveSeconds = 30;

    @Option(names = "--save-steps", paramLabel = "N", description = "keep the state of the run every N steps")
    int saveSteps;

    @Option(
            names = "--resume",
            description = "go on with the run in --out, which has to have the same settings and data")
    boolean resume;

    @Option(names = "--overwrite", description = "replace the adapter, or the state of a run, that is in --out")
    boolean overwrite;

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        PrintWriter console = spec.commandLine().getOut();
        Given given = new Given(spec);
        TrainingConfig config = mixup.of(config());
        Strategy strategy = strategyOptions.strategy();
        strategyOptions.check(given);
        updateOptions.check(given);
        if (strategy == null) {
            methodOptions.check(given, List.of(methodOptions.method));
        } else {
            methodOptions.refuseAll(given, "--strategy " + strategy);
        }
        boolean full = strategy != null || methodOptions.isFull();
        check(given, full);
        Objective objective = answerOptions.objective(form);
        List<Path> adapterDirectories = TrainedAdapters.directories(out, methodOptions.names());
        List<Path> adaptersBelow = Place.directories(below);
        new TrainPaths(out, adapterDirectories, data, evalData, modelOptions.directory(), adaptersBelow).requireApart();
        if (fromScratch.asked) {
            modelOptions.forgetAll();
        }
        ModelInfo info = modelOptions.info(adaptersBelow);
        form.requireFit(info);
        mixup.check(given, info, strategy == null ? List.of() : List.of(strategy));
        NewHead head = headOptions.head(info, adaptersBelow);
        try (StopOnSignal signals = new StopOnSignal();
                RunDirectory directory = full
                        ? RunDirectory.besideModel(out, overwrite, resume)
                        : RunDirectory.forAdapters(out, adapterDirectories, overwrite, resume)) {
            if (resume && !directory.resumes()) {
                console.println("the run here was stopped before it had saved anything: it begins again");
            }
            dataOptions.check(given, info, evalData == null ? List.of(data) : List.of(data, evalData));
            TrainingRecords records = form == TrainingRecords.Form.RECORDS
                    ? TrainingRecords.of(records(info.task()), evalData == null, dataOptions)
                    : TrainingRecords.read(
                            form,
                            new TrainingRecords.Source(data, evalData, limit, evalLimit, seed),
                            dataOptions,
                            answerOptions);
            Labels labels = records.labels(info, modelOptions.classes, adaptersBelow);
            if (full) {
                modelOptions.trainAll();
            }
            try (Model model = modelOptions.open(info.task(), labels, head, seed);
                    ModelInput input = ModelInput.open(modelOptions.directory(), model);
                    TrainedAdapters adapters = strategy == null
                            ? AdapterSet.create(methodOptions, adaptersBelow, model, input, seed)
                            : AdapterSet.of(strategy.inPlace(model))) {
                fromScratch.requireStatistics(model, strategy);
                TrainingRecords.Use use =
                        new TrainingRecords.Use(model, input, labels, adapters.rowsInFront(), console);
                List<Example> train = records.encode(name(data), false, use);
                records.shares(info, labels).forEach(line -> console.println("  " + line));
                String held = evalData == null ? "held out, a tenth drawn with seed " + seed : name(evalData);
                List<Example> heldOut = records.hasHeldOut() ? records.encode(held, true, use) : List.of();
                String what = strategy == null ? methodOptions.method : strategy.toString();
                HtmlReport report = new HtmlReport("peft4j: " + what + " on " + data.getFileName(), settings());
                TrainEnd end = new TrainEnd(console, out, full);
                TrainingRun run;
                TrainingResult result;
                try (ConsoleProgress progress = new ConsoleProgress(console, model.taskType())) {
                    run = new TrainingRun(model, adapters, config, List.of(progress))
                            .in(
                                    directory,
                                    saveSteps,
                                    Duration.ofSeconds(saveSeconds),
                                    report,
                                    Classes.notes(labels, model.head().fields()));
                    run = objective == null ? run : run.by(objective);
                    run = strategy == null ? run : run.by(strategy, strategyOptions.cache);
                    run.scoring(
                            RecordEncoder.forModel(model, input, labels, adapters.rowsInFront(), dataOptions.maxLength),
                            records.scored());
                    signals.whenAsked(run::stop);
                    result = end.of(run, train, heldOut);
                }
                end.print(run, result, adapters, directory);
            }
        }
        return 0;
    }

    private TrainingConfig config() {
        return updateOptions
                .on(TrainingConfig.builder())
                .steps(steps)
                .epochs(epochs)
                .batchSize(batchSize)
                .groupByLength(groupByLength)
                .accumulation(accumulate)
                .learningRate(learningRate)
                .evaluation(evalEvery, patience)
                .seed(seed)
                .build();
    }

    private void check(Given given, boolean full) {
        DataOptions.check(given, form);
        fromScratch.check(given, full, strategyOptions.strategy());
        given.refuse("--on", full, "--method full or --strategy, which change the weights below adapters");
        given.refuse("--epochs", given.has("--steps") && steps > 0, "--steps, which says when the run ends");
        given.refuse("--overwrite", resume, "--resume, which goes on with what is there");
        new Checkpoints(out, saveSteps, Duration.ofSeconds(saveSeconds)); // says what is wrong with them
    }

    private static String name(Path file) {
        return String.valueOf(file.getFileName());
    }

    /** The records to train on and those that are held out. */
    private Split records(TaskType task) throws IOException {
        List<TextRecord> all = dataOptions.readTraining(data, limit, task);
        Split split =
                evalData == null ? Split.tenth(all, seed) : new Split(all, dataOptions.read(evalData, evalLimit, task));
        if (evalData == null && evalLimit != 1 && task == TaskType.FEATURE_EXTRACTION) {
            split = split.withNoneAlone();
        }
        if (evalData == null && evalLimit > 0) {
            split = new Split(
                    split.train(),
                    split.heldOut()
                            .subList(0, Math.min(evalLimit, split.heldOut().size())));
        }
        return split;
    }

    private Map<String, String> settings() throws IOException {
        Map<String, String> s = new LinkedHashMap<>();
        s.put("model", modelOptions.directory().toString());
        s.put("weights", modelOptions.dtype.toString());
        s.putAll(headOptions.settings());
        s.put("data", data.toString());
        s.put("held out", evalData == null ? "a tenth, drawn with the seed" : evalData.toString());
        if (!below.isEmpty()) {
            s.put("on", Place.directories(below).toString());
        }
        Strategy strategy = strategyOptions.strategy();
        s.putAll(strategy == null ? methodOptions.settings() : Map.of("strategy", strategy.toString()));
        Objective objective = answerOptions.objective(form);
        if (objective != null) {
            s.put("objective", objective.name());
        }
        s.put("batch", batchSize + (groupByLength ? " records of like length x " : " records x ") + accumulate);
        s.put("learning rate", learningRate + ", " + updateOptions.schedule + ", warm-up " + updateOptions.warmup);
        if (mixup.alpha != null) {
            s.put("mixup", mixup.alpha.toString());
        }
        s.put("optimizer", updateOptions.toString());
        s.put("seed", String.valueOf(seed));
        return s;
    }
}
