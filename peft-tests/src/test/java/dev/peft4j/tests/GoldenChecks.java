package dev.peft4j.tests;

import static dev.peft4j.tests.GoldenCase.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.FullFineTuning;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.compose.MergedAdapter;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Layout;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.format.SafetensorsFile;
import dev.peft4j.core.model.Loss;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.train.AdamW;
import dev.peft4j.core.train.Gradients;
import dev.peft4j.models.CausalModel;
import dev.peft4j.models.Encoder;
import dev.peft4j.models.GenerationConfig;
import dev.peft4j.models.SequenceHead;
import dev.peft4j.models.TextGenerator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** Comparisons of a model and its adapters with the tensors of a golden case. */
final class GoldenChecks {
    static final String PREFIX = "base_model.model.";
    private static final Set<TaskType> OF_SEQUENCES =
            Set.of(TaskType.SEQ_CLS, TaskType.FEATURE_EXTRACTION, TaskType.IMAGE_CLS);

    private GoldenChecks() {}

    /** An adapter after it was saved and loaded; the caller's to close. */
    static Adapter savedAndLoaded(Model model, Adapter adapter) throws IOException {
        Path directory = Files.createTempDirectory("adapter");
        try {
            AdapterFiles.save(directory, model, adapter);
            return AdapterFiles.load(directory, model);
        } finally {
            try (Stream<Path> files = Files.list(directory)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(directory);
        }
    }

    static void checkForward(GoldenCase golden, SafetensorsFile file, Model model, List<Adapter> adapters)
            throws IOException {
        try (Arena arena = new Arena(DType.F32)) {
            if (!golden.method().equals("gradient_clipping")) { // the one kind of case that stores no logits
                checkLogits(golden, file, model, adapters, arena, "logits.");
            }
            try (Pass pass = Pass.inference(model.backend(), arena)) {
                Loss loss = model.loss(Call.of(pass, adapters), golden.any(), 1, golden.loss(model));
                assertEquals(GoldenCase.values(file, "loss")[0], loss.mean(), golden.tolerance("loss_abs"), "loss");
            }
        }
    }

    static void checkLogits(
            GoldenCase golden, SafetensorsFile file, Model model, List<Adapter> adapters, Arena arena, String prefix)
            throws IOException {
        Batch batch = golden.any();
        try (Pass pass = Pass.inference(model.backend(), arena)) {
            Call call = Call.of(pass, adapters);
            Tensor logits = model.logits(call, batch).value();
            Layout all = model.layout(call, batch);
            for (int i = 0; i < batch.size(); i++) {
                Tensor part = OF_SEQUENCES.contains(model.taskType())
                        ? logits.rows(i, 1)
                        : logits.rows(all.starts()[i], all.lengths()[i]);
                if (golden.json().get("logits_rows") instanceof Map<?, ?> rows) { // of long sequences, some
                    int[] which = GoldenCase.ints(rows.get(String.valueOf(i)));
                    for (int r = 0; r < which.length; r++) {
                        float[] some = part.rows(which[r], 1).toFloats();
                        String name = prefix.replace("logits.", "logits_rows.") + i;
                        assertClose(file, name, r, some, golden.tolerance("logits_abs"));
                    }
                } else {
                    assertClose(file, prefix + i, part.toFloats(), golden.tolerance("logits_abs"));
                }
            }
        }
    }

    static void checkHidden(GoldenCase golden, SafetensorsFile file, Model model) throws IOException {
        if (golden.taskType() == TaskType.IMAGE_CLS) {
            ImageGolden.checkFeatures(golden, file, model);
            return;
        }
        PackedBatch batch = golden.batch();
        try (Arena arena = new Arena(DType.F32);
                Pass pass = Pass.inference(model.backend(), arena)) {
            Call call = Call.of(pass);
            if (model instanceof Encoder && file.tensors().containsKey("last_hidden.0")) {
                Tensor last = model.hidden(call, batch, null).value();
                boolean hasPooled = file.tensors().containsKey("pooled.0");
                for (int i = 0; i < batch.sequences(); i++) {
                    float[] rows = last.rows(batch.start(i), batch.length(i)).toFloats();
                    assertClose(file, "last_hidden." + i, rows, golden.tolerance("logits_abs"));
                    if (hasPooled) {
                        SequenceHead head = (SequenceHead) model.head();
                        Tensor pooled = head.features(call.overSequences(), model.hidden(call, batch, batch.starts()))
                                .value();
                        assertClose(file, "pooled." + i, pooled.rows(i, 1).toFloats(), golden.tolerance("logits_abs"));
                    }
                }
            } else if (model instanceof CausalModel causal) {
                String name = file.tensors().keySet().stream()
                        .filter(n -> n.startsWith("hidden.0."))
                        .max(String::compareTo)
                        .orElse("");
                if (!name.isEmpty()) {
                    Tensor last = causal.hidden(call, batch, (int[]) null).value();
                    assertClose(file, name, last.rows(0, batch.length(0)).toFloats(), golden.tolerance("logits_abs"));
                }
            }
        }
    }

    static void checkGeneration(GoldenCase golden, Model model, List<Adapter> adapters) {
        Object generated = golden.json().get("generated");
        Object cached = generated == null ? golden.json().get("generated_cached") : generated;
        if (!(model instanceof CausalModel causal) || cached == null) {
            return;
        }
        int[][] expected = GoldenCase.rows(cached);
        try (TextGenerator generator = new TextGenerator(causal, adapters)) {
            for (int i = 0; i < expected.length; i++) {
                // the goldens go on behind the end token
                GenerationConfig greedy =
                        GenerationConfig.greedy(expected[i].length).withStopTokens(Set.of());
                int[] prompt = golden.inputs()[i];
                assertArrayEquals(expected[i], generator.generate(prompt, greedy), "with cache");
                if (generated != null) {
                    assertArrayEquals(expected[i], generator.generate(prompt, greedy.withoutCache()), "without cache");
                }
            }
        }
    }

    static void checkGradients(
            GoldenCase golden,
            SafetensorsFile file,
            Model model,
            Adapter adapter,
            Batch batch,
            String kind,
            String prefix)
            throws IOException {
        boolean ofBatch = String.valueOf(golden.json().get("labels_note")).contains("grad.* and loss_train_mode are");
        try (Arena arena = new Arena(DType.F32);
                Pass pass = ofBatch
                        ? Pass.training(model.backend(), arena, 1)
                        : Pass.differentiable(model.backend(), arena)) {
            List<Adapter> active = ofBatch ? List.of(adapter, new ImageGolden.StatisticsOfBatch()) : List.of(adapter);
            Call call = Call.of(pass, active);
            double scale = 1.0 / model.scored(call, batch);
            model.loss(call, batch, scale, golden.loss(model));
            pass.backward();
        }
        compareGradients(golden, file, model, adapter, kind, prefix, golden.tolerance("grad_abs"));
        adapter.parameters().forEach(Parameter::zeroGrad);
    }

    /** The gradients of all base tensors, where the case of a base has them. */
    static void checkBaseGradients(GoldenCase golden, SafetensorsFile file, Model model) throws IOException {
        if (file.tensors().keySet().stream().anyMatch(n -> n.startsWith("grad."))) {
            try (Adapter all = new FullFineTuning(model)) {
                checkGradients(golden, file, model, all, golden.any(), "grad.", "");
            }
        }
    }

    static void compareGradients(
            GoldenCase golden,
            SafetensorsFile file,
            Model model,
            Adapter adapter,
            String kind,
            String prefix,
            double tolerance)
            throws IOException {
        int compared = 0;
        for (Parameter p : adapter.parameters()) {
            if (!p.isTrainable()) { // statistics
                continue;
            }
            String name = prefix.isEmpty() ? golden.checkpointName(p.name()) : adapter.savedName(p);
            float[] values = inFileLayout(model, p.name(), p.grad());
            if (file.tensors().containsKey("grad_norm." + name)) {
                compareSamples(file, name, values, tolerance);
            } else {
                assertClose(file, kind + name, values, tolerance);
                compared++;
            }
        }
        for (Map.Entry<String, Adapter.SavedTwin> twin :
                adapter.alsoSaved().entrySet()) { // PEFT stores some tensors more than once
            String name = kind + prefix + twin.getKey();
            if (file.tensors().containsKey(name)) {
                Parameter p = adapter.parameters().stream()
                        .filter(q -> q.value() == twin.getValue().tensor())
                        .findFirst()
                        .orElseThrow();
                assertClose(file, name, p.grad().toFloats(), tolerance);
                compared++;
            }
        }
        long expected = file.tensors().keySet().stream()
                .filter(n -> n.startsWith(kind) && (prefix.isEmpty() || !n.startsWith(kind + "encoder.")))
                .count();
        assertEquals(expected, compared, "gradients of " + golden);
    }

    /** The norm of a large gradient, its ends, and elements at even distances. */
    private static void compareSamples(SafetensorsFile file, String name, float[] values, double tolerance)
            throws IOException {
        int n = 64;
        double squares = 0;
        for (float v : values) {
            squares += (double) v * v;
        }
        float[] sample = new float[n];
        for (int i = 0; i < n; i++) {
            sample[i] = values[(int) ((long) i * values.length / n)];
        }
        double norm = GoldenCase.values(file, "grad_norm." + name)[0];
        assertEquals(norm, Math.sqrt(squares), tolerance * Math.max(1, norm), "grad_norm." + name);
        assertClose(file, "grad_head." + name, Arrays.copyOf(values, n), tolerance);
        assertClose(file, "grad_tail." + name, Arrays.copyOfRange(values, values.length - n, values.length), tolerance);
        assertClose(file, "grad_sample." + name, sample, tolerance);
    }

    static float[] inFileLayout(Model model, String name, Tensor t) {
        boolean turned = model.tensorNames().contains(name) && model.weights().isTransposed(name);
        if (!turned) {
            return t.toFloats();
        }
        float[] values = t.toFloats();
        float[] out = new float[values.length];
        for (int i = 0; i < out.length; i++) {
            out[i % t.cols() * t.rows() + i / t.cols()] = values[i];
        }
        return out;
    }

    static void checkMerged(GoldenCase golden, SafetensorsFile file, Model model, Adapter adapter) throws IOException {
        List<String> names = file.tensors().keySet().stream()
                .filter(n -> n.startsWith("merged."))
                .toList();
        if (names.isEmpty()) {
            return;
        }
        try (MergedAdapter merged = MergedAdapter.of(model, List.of(adapter))) {
            for (String name : names) {
                String tensor = name.substring("merged.".length());
                Parameter p = merged.replacement(tensor);
                if (p == null && !model.tensorNames().contains(tensor)) { // a head that is still tied
                    p = merged.replacement(model.embeddingSites().get(0).name() + ".weight");
                }
                try (Tensor value = p == null
                        ? model.weight(tensor).copy(DType.F32)
                        : p.value().copy(DType.F32)) {
                    assertClose(file, name, inFileLayout(model, tensor, value), golden.tolerance("merged_abs"));
                }
            }
        }
    }

    static void checkClipping(GoldenCase golden, SafetensorsFile file, Model model, Adapter adapter, String prefix)
            throws IOException {
        try (Arena arena = new Arena(DType.F32);
                Pass pass = Pass.differentiable(model.backend(), arena)) {
            model.loss(Call.of(pass, adapter), golden.any(), 1.0 / model.scored(Call.of(pass, adapter), golden.any()));
            pass.backward();
        }
        double max = GoldenCase.number(golden.json().get("max_norm"));
        double norm = Gradients.clip(model.backend(), adapter.parameters(), max);
        assertEquals(GoldenCase.values(file, "total_norm")[0], norm, golden.tolerance("grad_abs"), "total norm");
        compareGradients(golden, file, model, adapter, "clipped.", prefix, golden.tolerance("grad_abs"));
        adapter.parameters().forEach(Parameter::zeroGrad);
    }

    static void checkAccumulation(GoldenCase golden, SafetensorsFile file, Model model, Adapter adapter, String prefix)
            throws IOException {
        int total = Arrays.stream(GoldenCase.ints(golden.json().get("scored_tokens")))
                .sum();
        try (Arena arena = new Arena(DType.F32)) {
            for (int[] part : GoldenCase.rows(golden.json().get("micro_batches"))) {
                try (Pass pass = Pass.differentiable(model.backend(), arena)) {
                    model.loss(Call.of(pass, adapter), golden.batch(part), 1.0 / total);
                    pass.backward();
                }
            }
        }
        compareGradients(golden, file, model, adapter, "token_weighted.", prefix, golden.tolerance("grad_abs"));
        adapter.parameters().forEach(Parameter::zeroGrad);
    }

    static void checkTraining(GoldenCase golden, SafetensorsFile file, Model model, Adapter adapter, String prefix)
            throws IOException {
        if (!(golden.json().get("optimizer") instanceof Map<?, ?> o)
                || !file.tensors().containsKey("losses")) {
            return;
        }
        Object maxNorm = golden.json().get("max_norm");
        float[] losses = GoldenCase.values(file, "losses");
        Batch batch = golden.any();
        double tolerance = golden.tolerance("after_abs");
        try (Arena arena = new Arena(DType.F32);
                AdamW adam = new AdamW(GoldenCase.number(o.get("weight_decay")))) {
            for (int step = 0; step < losses.length; step++) {
                try (Pass pass = Pass.differentiable(model.backend(), arena)) {
                    Loss loss = model.loss(
                            Call.of(pass, adapter),
                            batch,
                            1.0 / model.scored(Call.of(pass, adapter), batch),
                            golden.loss(model));
                    pass.backward();
                    assertEquals(losses[step], loss.mean(), tolerance, "loss before step " + step);
                }
                if (maxNorm != null) {
                    Gradients.clip(model.backend(), adapter.parameters(), GoldenCase.number(maxNorm));
                }
                List<Parameter> trained = adapter.parameters().stream()
                        .filter(Parameter::isTrainable)
                        .toList();
                adam.step(model.backend(), trained, GoldenCase.number(o.get("lr")));
                adapter.parameters().forEach(Parameter::zeroGrad);
            }
            int compared = 0;
            for (Parameter p : adapter.parameters()) {
                String inFile = prefix.isEmpty() ? golden.checkpointName(p.name()) : adapter.savedName(p);
                String name = "after." + inFile;
                if (file.tensors().containsKey(name)) {
                    assertClose(file, name, inFileLayout(model, p.name(), p.value()), tolerance);
                    compared++;
                }
            }
            assertEquals(
                    file.tensors().keySet().stream()
                            .filter(n -> n.startsWith("after."))
                            .count(),
                    compared,
                    "tensors after");
            if (file.tensors().keySet().stream().anyMatch(n -> n.startsWith("after_logits"))) {
                checkLogits(golden, file, model, List.of(adapter), arena, "after_logits.");
            }
        }
    }
}
