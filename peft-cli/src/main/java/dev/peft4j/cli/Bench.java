package dev.peft4j.cli;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.FullFineTuning;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.lora.LoraMethod;
import dev.peft4j.models.CausalModel;
import dev.peft4j.models.GenerationConfig;
import dev.peft4j.models.Models;
import dev.peft4j.models.TextGenerator;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Runs a case of the comparison with PyTorch + PEFT; the result has the keys of the reference. */
final class Bench {
    private static final int PROMPT = 8;
    private static final int SHOWN = 8;

    private final BenchCase bench;
    private final Path checkpoints;
    private final List<Integer> lengths;
    private final StopWatch watch;

    Bench(BenchCase bench, Path checkpoints, List<Integer> lengths, StopWatch watch) {
        this.bench = bench;
        this.checkpoints = checkpoints;
        this.lengths = lengths;
        this.watch = watch;
    }

    Map<String, Object> run() throws IOException {
        BackendTimer timer = watch.timer();
        Backend backend = timer == null ? Backend.auto() : timer.backend();
        try (Model model = Models.load(checkpoints.resolve(bench.checkpoint()), bench.options(backend))) {
            return switch (bench.work()) {
                case LORA -> train(model, lora(model, null));
                case LORA_EVERYWHERE -> train(model, lora(model, TargetModules.allLinearLayers()));
                case FULL -> train(model, new FullFineTuning(model));
                case DECODE -> decode((CausalModel) model);
                case FORWARD -> forward(model);
            };
        }
    }

    /** How many sequences so many steps take, and the one that is not measured. */
    static int lengthsNeeded(BenchCase bench, int steps) {
        return bench.sequences() * (steps + 1);
    }

    private static Adapter lora(Model model, @Nullable TargetModules target) {
        return new LoraMethod().create(new LoraConfig(8, 16, 0, target), model, 1);
    }

    private Map<String, Object> train(Model model, Adapter trained) {
        List<PackedBatch> batches = bench.isOfManyLengths()
                ? BenchInputs.classified(watch.steps() + 1, bench.sequences(), lengths)
                : List.of(BenchInputs.texts(bench.sequences(), bench.length(), model.vocabularySize()));
        try (Adapter adapter = trained) {
            TrainingSteps steps = TrainingSteps.run(model, adapter, batches, watch);
            double seconds =
                    bench.isOfManyLengths() ? Arrays.stream(steps.seconds()).sum() : Figures.median(steps.seconds());
            int tokens = bench.isOfManyLengths()
                    ? batches.stream().skip(1).mapToInt(PackedBatch::tokens).sum()
                    : batches.get(0).tokens();
            Map<String, Object> result = result(steps.seconds(), tokens / seconds);
            result.put(
                    "trainable",
                    adapter.parameters().stream().mapToLong(Parameter::size).sum());
            result.put("loss_eval", Figures.round(steps.firstLoss(), 6));
            return result;
        }
    }

    private Map<String, Object> decode(CausalModel model) {
        int[] prompt = BenchInputs.ids(0, PROMPT, model.vocabularySize());
        GenerationConfig greedy = GenerationConfig.greedy(bench.length()).withStopTokens(Set.of());
        int[][] generated = new int[1][];
        double[] seconds;
        try (TextGenerator generator = new TextGenerator(model, List.of())) {
            seconds = watch.seconds(i -> generated[0] = generator.generate(prompt, greedy));
        }
        double rate = bench.length() / Figures.median(seconds);
        Map<String, Object> result = result(seconds, rate);
        result.put("generate_tok_s", Figures.round(rate, 1));
        result.put("first_ids", Arrays.copyOf(generated[0], SHOWN));
        return result;
    }

    private Map<String, Object> forward(Model model) {
        PackedBatch batch = BenchInputs.sentences(bench.sequences(), bench.length());
        double mean;
        double[] seconds;
        try (Arena arena = new Arena(model.backend().dtype())) {
            try (Pass pass = Pass.inference(model.backend(), arena)) {
                mean = meanSize(model.hidden(Call.of(pass), batch, null).value());
            }
            seconds = watch.seconds(i -> {
                try (Pass pass = Pass.inference(model.backend(), arena)) {
                    model.hidden(Call.of(pass), batch, null);
                }
            });
        }
        Map<String, Object> result = result(seconds, batch.tokens() / Figures.median(seconds));
        result.put("mean_abs_hidden", Figures.round(mean, 6));
        return result;
    }

    private static double meanSize(Tensor hidden) {
        double sum = 0;
        for (float x : hidden.toFloats()) {
            sum += Math.abs(x);
        }
        return sum / hidden.size();
    }

    private Map<String, Object> result(double[] seconds, double tokensPerSecond) {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("case", bench.name());
        result.put("steps", watch.steps());
        result.put("median_step_ms", Figures.round(1000 * Figures.median(seconds), 1));
        result.put("min_step_ms", Figures.round(1000 * Figures.least(seconds), 1));
        result.put("tok_s", Figures.round(tokensPerSecond, 1));
        result.put("threads", Figures.threads());
        result.put("peak_rss_mb", Figures.peakMiB());
        result.put("torch", "none: peft4j"); // the reference names its version under this key
        result.put("loadavg", Figures.load());
        return result;
    }
}
