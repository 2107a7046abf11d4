package dev.peft4j.cli;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.AtomicFile;
import dev.peft4j.core.format.Json;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures how time and memory of a step grow with its size, and draws it. */
@Command(
        name = "growth",
        mixinStandardHelpOptions = true,
        description = "Measures how time and memory of a LoRA step grow, and draws a chart.",
        footer = {
            "",
            "Example:",
            "  peft4j growth --by tokens,rank --out docs/charts",
            "",
            "The model has random weights and the shape of GPT-2 124M; each size runs in a process of its own."
        })
final class GrowthCommand implements Callable<Integer> {
    private static final String POSITIONS = "n_positions";

    @Option(
            names = "--by",
            required = true,
            split = ",",
            paramLabel = "WHAT",
            description = "one or several of: ${COMPLETION-CANDIDATES}")
    List<Growth> growths = List.of();

    @Option(
            names = "--sizes",
            split = ",",
            paramLabel = "N",
            description = "sizes to measure, of a single --by (default: some that show its course)")
    List<Integer> sizes = List.of();

    @Option(
            names = "--steps",
            paramLabel = "N",
            description = "measured steps of a process, after one that is not (default: ${DEFAULT-VALUE})")
    int steps = 5;

    @Option(
            names = "--rounds",
            paramLabel = "N",
            description =
                    "processes for each size, by turns; the one counts whose median step is the fastest, since others were disturbed (default: ${DEFAULT-VALUE})")
    int rounds = 1;

    @Option(names = "--threads", paramLabel = "N", description = "threads (default: all cores)")
    int threads;

    @Option(
            names = "--processor-time",
            description =
                    "on a machine that others use too: count the time that one thread has a processor, for --threads 1")
    boolean processorTime;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "config.json of another model of that family (default: GPT-2 124M)")
    @Nullable
    Path config;

    @Option(names = "--out", paramLabel = "DIR", description = "folder of the charts (default: ${DEFAULT-VALUE})")
    Path out = Path.of("growth");

    @Option(names = "--here", hidden = true, description = "measure one size in this process and print it as JSON")
    boolean here;

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        check();
        checkProcessorTime();
        Map<String, Object> fields = config();
        int positions = fields.get(POSITIONS) instanceof Integer n ? n : 0;
        if (positions < 1) {
            throw new BadInputException("a config with " + POSITIONS + " was expected, and " + fields.get(POSITIONS)
                    + " is there. Give the config.json of a model of this family.");
        }
        List<Map<Integer, GrowthPoint>> all = new ArrayList<>();
        for (Growth growth : growths) {
            Map<Integer, GrowthPoint> points = new LinkedHashMap<>();
            for (int size : sizes.isEmpty()
                    ? growth.sizes()
                    : sizes.stream().sorted().distinct().toList()) {
                points.put(size, growth.at(size, positions));
            }
            all.add(points);
        }
        if (here) {
            ModelOptions.useThreads(threads);
            GrowthPoint only = all.get(0).values().iterator().next();
            StopWatch watch = processorTime ? StopWatch.ofThisThread(steps) : new StopWatch(steps, null);
            spec.commandLine().getOut().println(Json.printLine(only.measure(fields, watch)));
            return 0;
        }
        Files.createDirectories(out);
        for (int i = 0; i < growths.size(); i++) {
            report(growths.get(i), List.copyOf(all.get(i).keySet()));
        }
        return 0;
    }

    private void check() {
        ModelOptions.useThreads(threads);
        BenchCommand.requireSome("--steps", steps);
        BenchCommand.requireSome("--rounds", rounds);
        if (sizes.stream().anyMatch(n -> n < 1)) {
            throw new BadInputException("--sizes " + sizes + " was given; a size is at least 1. Give others.");
        }
        if (growths.size() > 1 && !sizes.isEmpty()) {
            throw new BadInputException("--sizes was given with --by " + growths
                    + ", which count different things. Leave it out, or name one of them.");
        }
        if (threads > 0 && growths.contains(Growth.THREADS) && !here) {
            throw new BadInputException("--threads " + threads + " was given with --by " + growths
                    + ", which measures several numbers of threads. Leave it out.");
        }
    }

    private void checkProcessorTime() {
        if (processorTime && threads != 1) {
            throw new BadInputException("--processor-time was given with "
                    + (threads == 0 ? "all cores" : "--threads " + threads)
                    + ", and it is the time of one thread. Give --threads 1 too.");
        }
    }

    private Map<String, Object> config() throws IOException {
        Path file = config;
        if (file != null) {
            return Json.read(file);
        }
        try (InputStream in = GrowthCommand.class.getResourceAsStream("/bench/config.json")) {
            if (in == null) {
                throw new IOException("the file bench/config.json is not on the class path. Give one with --config.");
            }
            return Json.parse(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        }
    }

    private void report(Growth growth, List<Integer> measured) throws IOException {
        Map<Integer, List<Map<String, Object>>> results = new LinkedHashMap<>();
        for (int round = 0; round < rounds; round++) {
            for (int size : measured) {
                results.computeIfAbsent(size, n -> new ArrayList<>()).add(inNewProcess(growth, size));
            }
        }
        PrintWriter console = spec.commandLine().getOut();
        console.printf("| %s | ms | peak MiB | load |%n|---|---|---|---|%n", growth.axis());
        List<GrowthChart.Point> points = new ArrayList<>();
        results.forEach((size, rows) -> {
            Map<String, Object> best = Collections.min(rows, Comparator.comparingDouble(row -> number(row, "step_ms")));
            GrowthChart.Point p = new GrowthChart.Point(size, number(best, "step_ms"), number(best, "peak_rss_mb"));
            points.add(p);
            console.printf(
                    Locale.ROOT,
                    "| %d | %.1f | %.0f | %.1f |%n",
                    size,
                    p.milliseconds(),
                    p.mebibytes(),
                    number(best, "loadavg"));
        });
        Path chart = out.resolve("growth-" + growth + ".svg");
        AtomicFile.write(chart, GrowthChart.svg(growth.axis(), points));
        console.printf("%nchart: %s%n%n", chart);
        console.flush();
    }

    private static double number(Map<String, Object> row, String key) {
        return row.get(key) instanceof Number n ? n.doubleValue() : Double.NaN;
    }

    /** Peak memory is that of a process, and threads are chosen once in it. */
    private Map<String, Object> inNewProcess(Growth growth, int size) throws IOException {
        List<String> words = new ArrayList<>(List.of("growth", "--here", "--by", growth.toString()));
        words.addAll(List.of("--sizes", String.valueOf(size), "--steps", String.valueOf(steps)));
        int used = growth == Growth.THREADS ? size : threads;
        if (used > 0) {
            words.addAll(List.of("--threads", String.valueOf(used)));
        }
        if (processorTime) {
            words.add("--processor-time");
        }
        Path file = config;
        if (file != null) {
            words.addAll(List.of("--config", file.toString()));
        }
        return Json.parse(NewProcess.run(words));
    }
}
