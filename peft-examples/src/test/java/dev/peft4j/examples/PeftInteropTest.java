package dev.peft4j.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.io.Json;
import dev.peft4j.core.io.SafetensorsWriter;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.model.PackedBatch;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.lora.LoraMethod;
import dev.peft4j.models.CausalModel;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Adapters that were trained and written here, opened by Hugging Face PEFT: no warning, no tensor missing, the same logits. Needs the Python
 * environment of {@code scripts/python-env}, and the checker of the reference material.
 */
class PeftInteropTest {
    private static final double TOLERANCE = 1e-5;

    @TempDir
    Path dir;

    private static Path python() {
        String given = System.getenv("PEFT4J_PYTHON");
        return given != null
                ? Path.of(given)
                : Path.of(System.getProperty("user.home"), ".cache/peft4j/python/bin/python");
    }

    @Test
    void peft_opens_our_adapters_and_computes_the_same() throws IOException, InterruptedException {
        Path checker = Shared.require("reference/check_java_adapter.py");
        assumeTrue(
                Files.isExecutable(python()),
                () -> "skipped: no Python environment at " + python() + " (make it with scripts/python-env)");
        List<String> lines = new ArrayList<>();
        for (GoldenCase golden : GoldenCase.all().toList()) {
            String name = String.valueOf(golden.json().get("model"));
            if (golden.method().equals("base")
                    && List.of("gpt2", "llama", "bert", "llama_tied").contains(name)) {
                LoraConfig plain = LoraConfig.of(3, 7);
                boolean biased = !name.startsWith("llama");
                lines.add(write(golden, name, "default", plain));
                lines.add(write(golden, name, "all", plain.withTarget(TargetModules.allLinearLayers())));
                lines.add(write(
                        golden,
                        name,
                        "regex",
                        plain.withTarget(TargetModules.matching(".*(attn|self)\\.(c_attn|k_proj|key)"))));
                lines.add(write(golden, name, "rslora", plain.withRsLora()));
                lines.add(write(golden, name, "dora", plain.withDora().withTarget(TargetModules.allLinearLayers())));
                String site = biased
                        ? (name.equals("gpt2") ? "h.0.attn.c_attn" : "layer.1.attention.self.query")
                        : "layers.1.self_attn.q_proj";
                lines.add(write(golden, name, "patterns", plain.withPatterns(Map.of(site, 2), Map.of(site, 5.0))));
                if (biased) {
                    lines.add(write(golden, name, "bias-all", plain.withBias(LoraConfig.Bias.ALL, false)));
                    lines.add(write(golden, name, "bias-lora", plain.withBias(LoraConfig.Bias.LORA_ONLY, true)));
                }
            }
        }
        Path batch = Files.writeString(dir.resolve("batch.jsonl"), String.join("\n", lines) + "\n");
        Path log = dir.resolve("log.txt");
        Process process = new ProcessBuilder(
                        python().toString(),
                        checker.toAbsolutePath().toString(),
                        "--batch",
                        batch.toString(),
                        "--tensors")
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        int status = process.waitFor();
        assertEquals(0, status, () -> read(log));
        assertEquals(
                lines.size(), read(log).lines().filter(l -> l.startsWith("OK")).count(), () -> read(log));
    }

    private static String read(Path file) {
        try {
            return Files.readString(file, StandardCharsets.UTF_8);
        } catch (IOException e) {
            return e.toString();
        }
    }

    /** Trains an adapter for a few steps, writes it with its logits, and returns the line for the checker. */
    private String write(GoldenCase golden, String name, String kind, LoraConfig config) throws IOException {
        Path adapterDir = dir.resolve(name + "-" + kind);
        Path logitsFile = dir.resolve(name + "-" + kind + ".safetensors");
        try (Model model = Models.load(golden.modelDirectory(), Backend.host(), 0, 0);
                Adapter adapter = new LoraMethod().create(config, model, 5);
                Arena arena = new Arena(DType.F32)) {
            new Trainer(model, adapter, TrainingConfig.of(10, 4, 1e-2), List.of()).train(records(golden), List.of());
            AdapterFiles.save(adapterDir, adapter, model);
            PackedBatch batch = golden.batch();
            try (Pass pass = Pass.inference(model.backend(), arena)) {
                Tensor logits = model.logits(Call.of(pass, adapter), batch).value();
                SafetensorsWriter writer = new SafetensorsWriter();
                for (int i = 0; i < batch.sequences(); i++) {
                    if (model instanceof CausalModel) {
                        writer.add(
                                "logits." + i,
                                logits.rows(batch.start(i), batch.length(i)),
                                batch.length(i),
                                logits.cols());
                    } else {
                        writer.add("logits." + i, logits.rows(i, 1), logits.cols());
                    }
                }
                writer.write(logitsFile);
            }
        }
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("model", golden.modelDirectory().toAbsolutePath().toString());
        line.put("adapter", adapterDir.toString());
        line.put(
                "case", golden.directory().resolve("case.json").toAbsolutePath().toString());
        line.put("logits", logitsFile.toString());
        line.put("tol", TOLERANCE);
        return Json.printLine(line);
    }

    private static List<PackedBatch.Sequence> records(GoldenCase golden) {
        List<PackedBatch.Sequence> records = new ArrayList<>();
        List<?> labels = (List<?>) golden.json().get("labels");
        int[][] inputs = golden.inputs();
        for (int i = 0; i < inputs.length; i++) {
            Object label = labels.get(i);
            int[] scored = label instanceof List<?> ? GoldenCase.ints(label) : new int[] {((Number) label).intValue()};
            if (scored.length == 1 || inputs[i].length > 1) {
                records.add(PackedBatch.Sequence.labelled(inputs[i], scored));
            }
        }
        return records;
    }
}
