package dev.peft4j.cli;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.tensor.Backend;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Measures training steps and decoding on fixed inputs, as the reference benchmark of the Python stack does. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        description = "Measures a training or decoding case and prints one JSON line.",
        footer = {
            "",
            "Example:",
            "  peft4j bench gpt2_lora_4x128 --checkpoints DIR --steps 6",
            "",
            "DIR holds a folder for each model, such as llama135m; scripts/compare-speed makes it and runs PyTorch beside it.",
            "The _bf16 cases keep the base weights in bfloat16."
        })
final class BenchCommand implements Callable<Integer> {
    @Parameters(
            paramLabel = "CASE",
            description = "one of: ${COMPLETION-CANDIDATES}",
            completionCandidates = Cases.class)
    String name = "";

    @Option(names = "--checkpoints", required = true, paramLabel = "DIR", description = "folder of the models")
    Path checkpoints = Path.of("");

    @Option(
            names = "--steps",
            paramLabel = "N",
            description = "measured steps, after one that is not (default: ${DEFAULT-VALUE})")
    int steps = 6;

    @Option(names = "--threads", paramLabel = "N", description = "threads (default: all cores)")
    int threads;

    @Option(
            names = "--lengths",
            paramLabel = "FILE",
            description = "lengths of the sequences of the sst2 cases (default: made up, as short as those)")
    @Nullable
    Path lengths;

    @Option(names = "--profile", description = "print on the error output where the time of a step goes")
    boolean profile;

    @Spec
    CommandSpec spec = CommandSpec.create();

    /** Names of the cases, for the help text. */
    static final class Cases implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return BenchCases.names().iterator();
        }
    }

    @Override
    public Integer call() throws IOException {
        if (ServingBench.CASES.contains(name)) {
            new Given(spec).refuse("--profile", true, name + ", which compares several ways by turns");
            new Given(spec).refuse("--lengths", true, name + ", whose sequences have one length");
            requireSome("--steps", steps);
            ModelOptions.useThreads(threads);
            spec.commandLine().getOut().println(Json.printLine(new ServingBench(checkpoints, steps).run(name)));
            return 0;
        }
        boolean ofImages = ImageBench.CASES.contains(name);
        if (ofImages) {
            new Given(spec).refuse("--lengths", true, name + ", which reads images");
        }
        BenchCase bench = ofImages ? null : BenchCases.named(name);
        List<Integer> sequences = bench == null ? List.of() : sequenceLengths(bench);
        requireSome("--steps", steps);
        ModelOptions.useThreads(threads);
        BackendTimer timer = profile ? new BackendTimer(Backend.auto()) : null;
        StopWatch watch = new StopWatch(steps, timer);
        Map<String, Object> result = bench == null
                ? new ImageBench(checkpoints, watch).run(name)
                : new Bench(bench, checkpoints, sequences, watch).run();
        if (timer != null) {
            timer.print(spec.commandLine().getErr(), steps);
        }
        spec.commandLine().getOut().println(Json.printLine(result));
        return 0;
    }

    /** Refuses to measure nothing. */
    static void requireSome(String option, int count) {
        if (count < 1) {
            throw new BadInputException(
                    option + " " + count + " was given, and at least 1 is measured. Give a number from 1 on.");
        }
    }

    private List<Integer> sequenceLengths(BenchCase bench) throws IOException {
        if (!bench.isOfManyLengths()) {
            new Given(spec).refuse("--lengths", true, name + ", whose sequences have one length");
            return List.of();
        }
        int count = Bench.lengthsNeeded(bench, steps);
        if (lengths == null) {
            return BenchInputs.usualLengths(count);
        }
        if (!Files.isRegularFile(lengths)) {
            throw new BadInputException("the lengths of the sequences were expected in " + lengths
                    + ", and there is no such file. Give another one, or leave out --lengths.");
        }
        List<String> words = Files.readAllLines(lengths).stream()
                .flatMap(line -> List.of(line.trim().split("\\s+")).stream())
                .filter(s -> !s.isEmpty())
                .toList();
        if (words.size() < count || !words.stream().limit(count).allMatch(w -> w.matches("[1-9][0-9]{0,3}"))) {
            throw new BadInputException(count + " lengths from 1 to 9999 were expected in " + lengths + " for " + steps
                    + " steps, and " + words.size() + " words are there. Give a file with more, or fewer --steps.");
        }
        return words.stream().limit(count).map(Integer::valueOf).toList();
    }
}
