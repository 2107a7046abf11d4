package dev.peft4j.cli;

import dev.peft4j.adapters.bottleneck.BottleneckConfig;
import dev.peft4j.adapters.ia3.Ia3Config;
import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.compose.Active;
import dev.peft4j.core.compose.PeftModel;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Initial;
import dev.peft4j.core.train.AdamW;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.Models;
import dev.peft4j.prompt.PrefixTuningConfig;
import dev.peft4j.prompt.PromptTuningConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Comparisons of this library with itself, both sides by turns in one process: other methods with LoRA, a batch with an adapter for each sequence with one for
 * all, and what it takes to load many adapters.
 */
final class ServingBench {
    static final List<String> CASES = List.of(
            "gpt2_dora_4x128", "gpt2_methods_4x128", "llama135m_methods_4x128", "gpt2_batch32", "minilm_load1000");
    private static final int SEQUENCES = 32;
    private static final int LENGTH = 32;
    private static final int ADAPTERS = 1000;

    private final Path checkpoints;
    private final int steps;

    ServingBench(Path checkpoints, int steps) {
        this.checkpoints = checkpoints;
        this.steps = steps;
    }

    Map<String, Object> run(String name) throws IOException {
        String folder = name.substring(0, name.indexOf('_'));
        try (Model model = Models.load(checkpoints.resolve(folder), Backend.auto(), 0, 0)) {
            Map<String, Object> result =
                    switch (name) {
                        case "gpt2_dora_4x128" -> dora(model);
                        case "gpt2_methods_4x128", "llama135m_methods_4x128" -> methods(model);
                        case "gpt2_batch32" -> batch(model);
                        default -> load(model);
                    };
            result.put("case", name);
            result.put("steps", steps);
            return result;
        }
    }

    /** A step of LoRA and of DoRA, rank 8 at PEFT's default layers and at all linear ones. */
    private Map<String, Object> dora(Model model) {
        Map<String, Object> result = new LinkedHashMap<>();
        PackedBatch batch = BenchInputs.texts(4, 128, model.vocabularySize());
        LoraConfig plain = LoraConfig.of(8, 16);
        for (boolean wide : new boolean[] {false, true}) {
            LoraConfig lora = wide ? plain.withTarget(TargetModules.allLinearLayers()) : plain;
            double[] ms = alternate(model, batch, List.of(lora, lora.withDora()));
            String layers = wide ? "all_linear" : "default";
            result.put(layers + "_lora_ms", ms[0]);
            result.put(layers + "_dora_ms", ms[1]);
            result.put(layers + "_ratio", round(ms[1] / ms[0]));
        }
        return result;
    }

    /** A step of other methods beside one of LoRA at PEFT's default layers, on the same real tokens. */
    private Map<String, Object> methods(Model model) {
        double[] ms = alternate(
                model,
                BenchInputs.texts(4, 128, model.vocabularySize()),
                List.of(
                        LoraConfig.of(8, 16),
                        PromptTuningConfig.of(20),
                        PrefixTuningConfig.of(20),
                        BottleneckConfig.houlsby(16),
                        BottleneckConfig.pfeiffer(16),
                        Ia3Config.DEFAULT));
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("lora_ms", ms[0]);
        result.put("prompt_ratio", round(ms[1] / ms[0]));
        result.put("prefix_ratio", round(ms[2] / ms[0]));
        result.put("houlsby_ratio", round(ms[3] / ms[0]));
        result.put("pfeiffer_ratio", round(ms[4] / ms[0]));
        result.put("ia3_ratio", round(ms[5] / ms[0]));
        return result;
    }

    private double[] alternate(Model model, PackedBatch batch, List<? extends PeftConfig> configs) {
        List<Adapter> adapters = configs.stream()
                .map(c -> AdapterFiles.method(c.peftType()).create(c, model, 1))
                .toList();
        double[][] times = new double[configs.size()][steps];
        try (Arena arena = new Arena(model.backend().dtype());
                AdamW optimizer = new AdamW(0)) {
            for (int step = -1; step < steps; step++) {
                for (int i = 0; i < times.length; i++) {
                    Adapter adapter = adapters.get(i);
                    long start = System.nanoTime();
                    try (Pass pass = Pass.training(model.backend(), arena, step)) {
                        Call call = Call.of(pass, adapter);
                        model.loss(call, batch, 1.0 / model.scored(call, batch));
                        pass.backward();
                    }
                    optimizer.step(model.backend(), adapter.parameters(), 1e-4);
                    adapter.parameters().forEach(Parameter::zeroGrad);
                    if (step >= 0) {
                        times[i][step] = (System.nanoTime() - start) / 1e6;
                    }
                }
            }
        }
        adapters.forEach(Adapter::close);
        return Arrays.stream(times).mapToDouble(ServingBench::median).toArray();
    }

    /** A forward pass over 32 sequences with one adapter of rank 8, and with an adapter for each. */
    private Map<String, Object> batch(Model model) {
        PackedBatch batch = BenchInputs.texts(SEQUENCES, LENGTH, model.vocabularySize());
        String[] names = IntStream.range(0, SEQUENCES).mapToObj(i -> "a" + i).toArray(String[]::new);
        double[][] times = new double[2][steps];
        try (PeftModel peft = new PeftModel(model);
                Arena arena = new Arena(model.backend().dtype())) {
            LoraConfig config = LoraConfig.of(8, 16).withTarget(TargetModules.allLinearLayers());
            for (int i = 0; i < SEQUENCES; i++) {
                randomise(peft.create(names[i], config, i), i);
            }
            List<Active> sides = List.of(Active.of(names[0]), Active.perSequence(names));
            for (int step = -2; step < steps; step++) {
                for (int i = 0; i < sides.size(); i++) {
                    long start = System.nanoTime();
                    try (Pass pass = Pass.inference(model.backend(), arena)) {
                        model.logits(peft.call(pass, sides.get(i)), batch);
                    }
                    if (step >= 0) {
                        times[i][step] = (System.nanoTime() - start) / 1e6;
                    }
                }
            }
        }
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("one_adapter_ms", median(times[0]));
        result.put("own_adapters_ms", median(times[1]));
        result.put("ratio", round(median(times[1]) / median(times[0])));
        return result;
    }

    private static void randomise(Adapter adapter, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        adapter.parameters().forEach(p -> Initial.gaussian(p.value(), 0.02, random));
    }

    /** Time and memory of a thousand adapters of rank 8 from disk, and of a switch between them. */
    private Map<String, Object> load(Model model) throws IOException {
        Path root = Files.createTempDirectory("adapters");
        long bytes = 0;
        try {
            LoraConfig config = LoraConfig.of(8, 16).withModulesToSave(List.of());
            try (Adapter adapter = AdapterFiles.method("LORA").create(config, model, 1)) {
                for (int i = 0; i < ADAPTERS; i++) {
                    randomise(adapter, i);
                    AdapterFiles.save(root.resolve("a" + i), model, adapter);
                    bytes += Files.size(root.resolve("a" + i).resolve("adapter_model.safetensors"));
                }
            }
            AdapterFiles.load(root.resolve("a0"), model).close();
            return load(model, root, bytes);
        } finally {
            try (Stream<Path> files = Files.walk(root)) {
                for (Path p : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(p);
                }
            }
        }
    }

    private Map<String, Object> load(Model model, Path root, long bytes) throws IOException {
        try (PeftModel peft = new PeftModel(model)) {
            long before = usedBytes();
            long start = System.nanoTime();
            for (int i = 0; i < ADAPTERS; i++) {
                peft.load("a" + i, root.resolve("a" + i));
            }
            double seconds = (System.nanoTime() - start) / 1e9;
            long used = usedBytes() - before;
            double[] switches = new double[steps];
            try (Arena arena = new Arena(model.backend().dtype())) {
                for (int i = 0; i < steps; i++) {
                    long begun = System.nanoTime();
                    try (Pass pass = Pass.inference(model.backend(), arena)) {
                        peft.call(pass, Active.of("a" + i * 7919 % ADAPTERS));
                    }
                    switches[i] = (System.nanoTime() - begun) / 1e3;
                }
            }
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("adapters", peft.names().size());
            result.put("seconds", round(seconds));
            result.put("file_mib", round(bytes / 1048576.0));
            result.put("memory_mib", round(used / 1048576.0));
            result.put("memory_ratio", round((double) used / bytes));
            result.put("switch_us", median(switches));
            return result;
        }
    }

    /** Resident memory after a collection: native memory and what the heap really holds. */
    private static long usedBytes() throws IOException {
        System.gc();
        Runtime r = Runtime.getRuntime();
        long heap = r.totalMemory() - r.freeMemory();
        long anonymous = 0;
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("RssAnon:")) {
                anonymous = Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
            }
        }
        return anonymous - r.totalMemory() + heap;
    }

    private static double median(double[] values) {
        return round(Figures.median(values));
    }

    private static double round(double value) {
        return Figures.round(value, 2);
    }
}
