package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.format.SafetensorsFile;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.train.AdamW;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** AdaLoRA: its loss has the term that keeps A and B orthogonal, and each step may cut ranks. */
final class AdaLoraGolden {
    private AdaLoraGolden() {}

    static void check(GoldenCase golden, SafetensorsFile file, Model model) throws IOException {
        try (Adapter adapter = AdapterFiles.load(golden.directory().resolve("adapter"), model);
                Arena arena = new Arena(DType.F32)) {
            GoldenChecks.checkLogits(golden, file, model, List.of(adapter), arena, "logits.");
            double[] losses = differentiate(golden, model, adapter, arena);
            assertEquals(GoldenCase.values(file, "task_loss")[0], losses[0], golden.tolerance("loss_abs"));
            assertEquals(GoldenCase.values(file, "loss")[0], losses[0] + losses[1], golden.tolerance("loss_abs"));
            GoldenChecks.compareGradients(
                    golden, file, model, adapter, "grad.", GoldenChecks.PREFIX, golden.tolerance("grad_abs"));
            adapter.parameters().forEach(Parameter::zeroGrad);
            train(golden, file, model, adapter, arena);
            compare(golden, file, adapter, "after_full.");
            GoldenChecks.checkLogits(golden, file, model, List.of(adapter), arena, "after_logits.");
        }
        try (Adapter after = AdapterFiles.load(golden.directory().resolve("adapter_after"), model);
                Arena arena = new Arena(DType.F32)) {
            compare(golden, file, after, "after."); // the ranks that were kept
            GoldenChecks.checkLogits(golden, file, model, List.of(after), arena, "after_logits.");
            try (Adapter whole = GoldenChecks.savedAndLoaded(model, after)) { // all ranks
                GoldenChecks.checkLogits(golden, file, model, List.of(whole), arena, "after_logits.");
                train(golden, model, whole, arena);
            }
        }
    }

    /** Training on brings no rank back. */
    private static void train(GoldenCase golden, Model model, Adapter adapter, Arena arena) {
        List<Parameter> all = adapter.parameters().stream()
                .filter(p -> p.name().endsWith("lora_E"))
                .toList();
        long kept = all.stream().mapToLong(AdaLoraGolden::nonZero).sum();
        try (AdamW adam = new AdamW(0)) {
            adapter.beforeTraining(10);
            for (int step = 1; step <= 3; step++) {
                differentiate(golden, model, adapter, arena);
                adam.step(model.backend(), adapter.parameters(), 1e-2);
                adapter.afterStep(model.backend(), step);
                adapter.parameters().forEach(Parameter::zeroGrad);
            }
        }
        assertEquals(kept, all.stream().mapToLong(AdaLoraGolden::nonZero).sum());
    }

    private static long nonZero(Parameter p) {
        return Arrays.stream(p.value().toDoubles()).filter(v -> v != 0).count();
    }

    /** The loss of the task and the value of the term, with the gradients of both. */
    private static double[] differentiate(GoldenCase golden, Model model, Adapter adapter, Arena arena) {
        PackedBatch batch = golden.batch();
        try (Pass pass = Pass.differentiable(model.backend(), arena)) {
            Call call = Call.of(pass, adapter);
            double loss =
                    model.loss(call, batch, 1.0 / model.scored(call, batch)).mean();
            pass.backward();
            return new double[] {loss, adapter.addPenalty(pass)};
        }
    }

    private static void train(GoldenCase golden, SafetensorsFile file, Model model, Adapter adapter, Arena arena)
            throws IOException {
        Map<?, ?> o = (Map<?, ?>) golden.json().get("optimizer");
        float[] losses = GoldenCase.values(file, "losses");
        try (AdamW adam = new AdamW(GoldenCase.number(o.get("weight_decay")))) {
            for (int step = 0; step < losses.length; step++) {
                double[] loss = differentiate(golden, model, adapter, arena);
                assertEquals(
                        losses[step], loss[0] + loss[1], golden.tolerance("after_abs"), "loss before step " + step);
                adam.step(model.backend(), adapter.parameters(), GoldenCase.number(o.get("lr")));
                adapter.afterStep(model.backend(), step + 1);
                adapter.parameters().forEach(Parameter::zeroGrad);
            }
        }
    }

    private static void compare(GoldenCase golden, SafetensorsFile file, Adapter adapter, String kind)
            throws IOException {
        for (Parameter p : adapter.parameters()) {
            String name = kind + GoldenChecks.PREFIX + p.name();
            GoldenCase.assertClose(file, name, p.value().toFloats(), golden.tolerance("after_abs"));
        }
        assertEquals(
                file.tensors().keySet().stream().filter(n -> n.startsWith(kind)).count(),
                adapter.parameters().size(),
                kind);
    }
}
