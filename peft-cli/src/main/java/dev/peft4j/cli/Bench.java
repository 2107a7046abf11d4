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
import dev.peft4j.core.train.AdamW;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.lora.LoraMethod;
import dev.peft4j.models.CausalModel;
import dev.peft4j.models.GenerationConfig;
import dev.peft4j.models.Models;
import dev.peft4j.models.TextGenerator;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The cases of the comparison with PyTorch + PEFT. A step is forward, backward and AdamW (rate 1e-4, no decay), with the dropout of the
 * configs; the first is not measured. The p-th token of a case has the id {@code (p · 7919 + 13) mod V}, for BERT {@code 1000 + (p · 7919
 * + 13) mod 20000}; the label of the i-th sequence is {@code i mod 2}.
 */
final class Bench {
    static final List<String> CASES = List.of(
            "gpt2_lora_4x128",
            "gpt2_lora_2x256",
            "gpt2_full_4x128",
            "llama135m_lora_4x128",
            "minilm_lora_sst2",
            "gpt2_decode64");
    static final String LENGTHS_CASE = "minilm_lora_sst2";
    private static final int SST2_BATCH = 32;
    private static final int SST2_MEAN = 11; // tokens beside the two special ones
    private static final double GOLDEN_RATIO = 0.6180339887498949;
    private static final double RATE = 1e-4;

    private final Path checkpoints;
    private final int steps;
    private final List<Integer> lengths;

    private final @Nullable BackendTimer timer;

    Bench(Path checkpoints, int steps, List<Integer> lengths, @Nullable BackendTimer timer) {
        this.checkpoints = checkpoints;
        this.steps = steps;
        this.lengths = lengths;
        this.timer = timer;
    }

    Map<String, Object> run(String name) throws IOException {
        String folder = name.substring(0, name.indexOf('_'));
        Backend backend = timer == null ? Backend.auto() : timer.backend();
        try (Model model = Models.load(checkpoints.resolve(folder), backend, 0, 0)) {
            return switch (name) {
                case "gpt2_lora_4x128" -> train(name, model, lora(model, null), List.of(batch(4, 128, model)));
                case "gpt2_lora_2x256" -> train(name, model, lora(model, null), List.of(batch(2, 256, model)));
                case "gpt2_full_4x128" -> train(name, model, new FullFineTuning(model), List.of(batch(4, 128, model)));
                case "llama135m_lora_4x128" ->
                    train(name, model, lora(model, TargetModules.allLinearLayers()), List.of(batch(4, 128, model)));
                case "minilm_lora_sst2" -> train(name, model, lora(model, null), sst2Batches());
                default -> decode(name, (CausalModel) model);
            };
        }
    }

    /** How many sequences so many steps take, and the one that is not measured. */
    static int lengthsNeeded(int steps) {
        return SST2_BATCH * (steps + 1);
    }

    /** Lengths that fall off as those of phrases do, the same in each run. */
    static List<Integer> usualLengths(int count) {
        return IntStream.range(0, count)
                .map(i -> 3 + (int) (-SST2_MEAN * Math.log(1 - (i + 1) * GOLDEN_RATIO % 1)))
                .boxed()
                .toList();
    }

    private static Adapter lora(Model model, @Nullable TargetModules target) {
        return new LoraMethod().create(new LoraConfig(8, 16, 0, target), model, 1);
    }

    private static int[] ids(int first, int count, int modulus, int offset) {
        int[] ids = new int[count];
        Arrays.setAll(ids, i -> (int) (offset + ((first + i) * 7919L + 13) % modulus));
        return ids;
    }

    private static PackedBatch batch(int sequences, int length, Model model) {
        List<PackedBatch.Sequence> all = new ArrayList<>();
        for (int s = 0; s < sequences; s++) {
            int[] ids = ids(s * length, length, model.vocabularySize(), 0);
            all.add(PackedBatch.Sequence.labelled(ids, ids));
        }
        return PackedBatch.of(all);
    }

    private List<PackedBatch> sst2Batches() {
        List<PackedBatch> batches = new ArrayList<>();
        int token = 0;
        for (int b = 0; b <= steps; b++) {
            List<PackedBatch.Sequence> all = new ArrayList<>();
            for (int i = b * SST2_BATCH; i < (b + 1) * SST2_BATCH; i++) {
                int n = lengths.get(i);
                all.add(PackedBatch.Sequence.classified(ids(token, n, 20000, 1000), i % 2));
                token += n;
            }
            batches.add(PackedBatch.of(all));
        }
        return batches;
    }

    private Map<String, Object> train(String name, Model model, Adapter adapter, List<PackedBatch> batches) {
        double firstLoss;
        double[] seconds = new double[steps + 1];
        int[] tokens = new int[steps + 1];
        List<Parameter> parameters = adapter.parameters();
        try (adapter;
                Arena arena = new Arena(model.backend().dtype());
                AdamW optimizer = new AdamW(0)) {
            try (Pass pass = Pass.inference(model.backend(), arena)) {
                firstLoss =
                        model.loss(Call.of(pass, adapter), batches.get(0), 1).mean();
            }
            for (int i = 0; i <= steps; i++) {
                PackedBatch batch = batches.get(i % batches.size());
                if (timer != null && i == 1) {
                    timer.reset();
                }
                long start = System.nanoTime();
                try (Pass pass = Pass.training(model.backend(), arena, i)) {
                    Call call = Call.of(pass, adapter);
                    model.loss(call, batch, 1.0 / model.scored(call, batch));
                    pass.backward();
                }
                optimizer.step(model.backend(), parameters, RATE);
                parameters.forEach(Parameter::zeroGrad);
                seconds[i] = (System.nanoTime() - start) / 1e9;
                tokens[i] = batch.tokens();
            }
        }
        double[] kept = Arrays.copyOfRange(seconds, 1, seconds.length);
        double median = median(kept);
        double rate = batches.size() == 1
                ? tokens[1] / median
                : Arrays.stream(tokens).skip(1).sum() / Arrays.stream(kept).sum();
        Map<String, Object> result = result(name, kept);
        result.put("trainable", parameters.stream().mapToLong(Parameter::size).sum());
        result.put("tok_s", round(rate, 1));
        result.put("loss_eval", round(firstLoss, 6));
        return result;
    }

    private Map<String, Object> decode(String name, CausalModel model) {
        int[] prompt = ids(0, 8, model.vocabularySize(), 0);
        double[] seconds = new double[steps + 1];
        int[] generated = {};
        try (TextGenerator generator = new TextGenerator(model, List.of())) {
            for (int i = 0; i <= steps; i++) {
                long start = System.nanoTime();
                generated =
                        generator.generate(prompt, GenerationConfig.greedy(64).withStopTokens(Set.of()));
                seconds[i] = (System.nanoTime() - start) / 1e9;
            }
        }
        double[] kept = Arrays.copyOfRange(seconds, 1, seconds.length);
        Map<String, Object> result = result(name, kept);
        result.put("tok_s", round(64 / median(kept), 1));
        result.put("generate_tok_s", round(64 / median(kept), 1));
        result.put("first_ids", Arrays.copyOf(generated, 8));
        return result;
    }

    private Map<String, Object> result(String name, double[] kept) {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("case", name);
        result.put("steps", steps);
        result.put("median_step_ms", round(1000 * median(kept), 1));
        result.put("min_step_ms", round(1000 * Arrays.stream(kept).min().orElse(Double.NaN), 1));
        result.put(
                "threads",
                Integer.getInteger("peft4j.threads", Runtime.getRuntime().availableProcessors()));
        result.put("peak_rss_mb", round(peakMiB(), 1));
        result.put("torch", "none: peft4j"); // the reference names its version under this key
        result.put("loadavg", round(ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage(), 2));
        return result;
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int n = sorted.length;
        return n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
    }

    private static double round(double value, int digits) {
        double f = Math.pow(10, digits);
        return Math.round(value * f) / f;
    }

    /** Largest resident set of this process (VmHWM), in MiB; NaN where the system does not tell. */
    static double peakMiB() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
                if (line.startsWith("VmHWM:")) {
                    return Double.parseDouble(line.replaceAll("[^0-9]", "")) / 1024;
                }
            }
        } catch (IOException e) {
            return Double.NaN;
        }
        return Double.NaN;
    }
}
