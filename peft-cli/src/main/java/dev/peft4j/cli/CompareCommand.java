package dev.peft4j.cli;

import dev.peft4j.core.compose.MergedAdapter;
import dev.peft4j.core.compose.MergedModel;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.train.Evaluation;
import dev.peft4j.core.train.Evaluator;
import dev.peft4j.core.train.Strategy;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.core.train.TrainingListener;
import dev.peft4j.core.train.TrainingResult;
import dev.peft4j.models.ModelInfo;
import dev.peft4j.models.ModelInput;
import dev.peft4j.models.data.Classes;
import dev.peft4j.models.data.Labels;
import dev.peft4j.models.data.TextRecord;
import dev.peft4j.run.RunDirectory;
import dev.peft4j.run.TrainedAdapters;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Trains several methods under one budget. */
@Command(
        name = "compare",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Trains several methods on the same records for the same steps, and compares what they cost and reach.",
        footer = {
            "",
            "Example:",
            "  peft4j compare --methods lora,ia3,houlsby,prefix,prompt:0.1 --model DIR --data train.jsonl \\",
            "      --eval-data dev.jsonl --steps 200 --out comparison"
        })
final class CompareCommand implements Callable<Integer> {
    @Option(
            names = "--methods",
            required = true,
            split = ",",
            paramLabel = "NAMES",
            description =
                    "methods of train, with commas; NAME:RATE gives a learning rate, NAME+NAME trains two together; strategy:STAGES"
                            + " is a --strategy of train on copies of base tensors, which may end with ,lr=RATE and ,epochs=N of"
                            + " its own")
    List<String> methods = List.of();

    @Mixin
    ModelOptions modelOptions = new ModelOptions();

    @Option(names = "--data", required = true, paramLabel = "FILE", description = "records to train on")
    Path data = Path.of("");

    @Option(names = "--eval-data", required = true, paramLabel = "FILE", description = "held-out records")
    Path evalData = Path.of("");

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

    @Mixin
    MethodOptions methodOptions = new MethodOptions();

    @Option(names = "--steps", paramLabel = "N", description = "optimiser steps of each (default: ${DEFAULT-VALUE})")
    int steps = 200;

    @Option(names = "--epochs", paramLabel = "N", description = "passes over the data of each, instead of steps")
    double epochs;

    @Option(names = "--batch-size", paramLabel = "N", description = "records of a step (default: ${DEFAULT-VALUE})")
    int batchSize = 16;

    @Option(names = "--group-by-length", description = "records of like length in a step")
    boolean groupByLength;

    @Mixin
    UpdateOptions updateOptions = new UpdateOptions();

    @Option(names = "--seed", paramLabel = "N", description = "of all of them (default: ${DEFAULT-VALUE})")
    long seed;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "adapters and comparison.html go here (default: ${DEFAULT-VALUE})")
    Path out = Path.of("run/comparison");

    @Option(names = "--overwrite", description = "replace adapters that are in --out")
    boolean overwrite;

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        PrintWriter console = spec.commandLine().getOut();
        Given given = new Given(spec);
        List<Candidate> candidates = Candidate.joined(methods).stream()
                .map(text -> Candidate.of(text, methodOptions))
                .toList();
        updateOptions.check(given);
        given.refuse("--steps", given.has("--epochs"), "--epochs, which says when the runs end");
        given.refuse("--method", true, "--methods, which names the methods to compare");
        List<Candidate> ofMethods =
                candidates.stream().filter(c -> c.strategy() == null).toList();
        if (ofMethods.isEmpty()) {
            methodOptions.refuseAll(given, "--methods " + String.join(",", methods));
        } else {
            methodOptions.check(given, ofMethods.stream().map(Candidate::name).toList());
        }
        requireApart(candidates);
        List<Path> directories = new ArrayList<>();
        for (Candidate c : candidates) {
            if (c.strategy() == null) {
                methodOptions.method = c.name();
                directories.addAll(TrainedAdapters.directories(out.resolve(c.directory()), methodOptions.names()));
            } else {
                MergedModel.checkOutput(out.resolve(c.directory()));
            }
        }
        ModelInfo info = modelOptions.info(List.of());
        headOptions.head(info, List.of()); // says what is wrong with it
        dataOptions.check(given, info, List.of(data, evalData));
        mixup.check(given, info, List.of()); // images whose features are cached are not mixed
        List<TextRecord> train = dataOptions.readTraining(data, limit, info.task());
        List<TextRecord> test = dataOptions.read(evalData, evalLimit, info.task());
        RunDirectory.whileTaken(out, directories, overwrite, () -> compare(console, candidates, info, train, test));
        return 0;
    }

    /** Refuses runs that would write to one directory. */
    private void requireApart(List<Candidate> candidates) {
        Set<String> taken = new HashSet<>();
        for (Candidate c : candidates) {
            if (!taken.add(c.directory())) {
                throw new BadInputException("--methods names " + c.name() + " twice, whose results would both go to "
                        + out.resolve(c.directory()) + ". Compare them in two runs with another --out.");
            }
        }
    }

    private void compare(
            PrintWriter console,
            List<Candidate> candidates,
            ModelInfo info,
            List<TextRecord> train,
            List<TextRecord> test)
            throws IOException {
        Labels labels = Classes.of(info, modelOptions.classes, List.of(), train);
        try (Model model = modelOptions.open(info.task(), labels, headOptions.head(info, List.of()), seed);
                ModelInput input = ModelInput.open(modelOptions.directory(), model)) {
            int inFront = 0; // all of them learn from the same tokens
            for (Candidate c : candidates) {
                Strategy strategy = c.strategy();
                if (strategy == null) {
                    methodOptions.method = c.name();
                    inFront = Math.max(inFront, methodOptions.requireFit(model, input));
                } else {
                    strategy.tensors(model); // says what is wrong with it
                }
            }
            List<Example> records = dataOptions.encode(
                    String.valueOf(data.getFileName()), true, train, labels, inFront, model, input, console);
            Classes.shares(info, labels, train).forEach(line -> console.println("  " + line));
            List<Example> heldOut = dataOptions.encode(
                    String.valueOf(evalData.getFileName()), false, test, labels, inFront, model, input, console);
            Evaluation base = Evaluator.evaluate(model, List.of(), heldOut);
            Comparison comparison = new Comparison(
                    "peft4j: methods on " + data.getFileName() + ", "
                            + (epochs > 0 ? Figures.plain(epochs) + " epochs in batches of " : steps + " steps of ")
                            + batchSize,
                    base.measureName(),
                    base.measured(),
                    base.lowerIsBetter());
            List<Example> unvaried = records; // what is computed once for each record
            if (dataOptions.isVaried() && candidates.stream().anyMatch(Candidate::isCached)) {
                unvaried = dataOptions.encode(
                        data.getFileName() + ", without --augment for cached features",
                        false,
                        train,
                        labels,
                        inFront,
                        model,
                        input,
                        console);
            }
            for (Candidate c : candidates) {
                console.printf("%s, rate %s ...%n", c.label(), Figures.plain(c.rate()));
                console.flush();
                comparison.add(train(c, model, input, labels, c.isCached() ? unvaried : records, heldOut));
            }
            comparison.print(console);
            Files.createDirectories(out);
            comparison.write(out.resolve("comparison.html"));
            console.printf("report: %s%n", out.resolve("comparison.html"));
        }
    }

    private Comparison.Row train(
            Candidate c, Model model, ModelInput input, Labels labels, List<Example> records, List<Example> heldOut)
            throws IOException {
        long before = Tensor.nativeBytes();
        List<Double> millis = new ArrayList<>();
        long[] peak = {0};
        TrainingListener meter = new TrainingListener() {
            @Override
            public void onStep(int step, double loss, double rate, double norm, int tokens, double seconds) {
                millis.add(1000 * seconds);
                peak[0] = Math.max(peak[0], Tensor.nativeBytes() - before);
            }
        };
        double passes = c.epochs() > 0 ? c.epochs() : epochs;
        TrainingConfig config = updateOptions
                .on(TrainingConfig.builder())
                .steps(passes > 0 ? 0 : steps)
                .epochs(passes)
                .batchSize(batchSize)
                .learningRate(c.rate())
                .groupByLength(groupByLength)
                .seed(seed)
                .build();
        Strategy strategy = c.strategy();
        try (TrainedAdapters adapters = adapters(c, model, input)) {
            TrainingConfig own = c.isCached() ? config : mixup.of(config);
            Trainer trainer = new Trainer(model, adapters.all(), own, List.of(meter));
            long start = System.nanoTime();
            TrainingResult result =
                    (strategy == null ? trainer : trainer.withStrategy(strategy)).train(records, List.of());
            double seconds = (System.nanoTime() - start) / 1e9;
            if (result.interrupted()) {
                throw new StoppedException("runs were to be compared, and one was stopped at step " + result.steps());
            }
            Path directory = out.resolve(c.directory());
            if (strategy == null) {
                adapters.save(
                        directory, model, Classes.notes(labels, model.head().fields()));
            } else {
                try (MergedAdapter merged = MergedAdapter.of(model, adapters.all())) {
                    MergedModel.write(directory, model, merged, labels.names());
                }
            }
            millis.sort(Double::compare);
            Evaluation tuned = Evaluator.evaluate(model, adapters.all(), heldOut);
            return new Comparison.Row(
                    c.label(),
                    c.rate(),
                    tuned.measured(),
                    adapters.trainableCount(),
                    millis.get(millis.size() / 2),
                    seconds,
                    peak[0],
                    bytes(directory));
        }
    }

    private TrainedAdapters adapters(Candidate c, Model model, ModelInput input) throws IOException {
        Strategy strategy = c.strategy();
        if (strategy != null) {
            return AdapterSet.of(strategy.ofCopies(model));
        }
        methodOptions.method = c.name();
        return AdapterSet.create(methodOptions, List.of(), model, input, seed);
    }

    private static long bytes(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            long sum = 0;
            for (Path p : files.filter(Files::isRegularFile).toList()) {
                sum += Files.size(p);
            }
            return sum;
        }
    }
}
