package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.format.SafetensorsFile;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.prompt.PTuningMethod;
import dev.peft4j.prompt.PrefixTuningMethod;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The networks behind prompts, which PEFT does not store: their rows, and the gradients of their parameters. */
final class EncoderGolden {
    private EncoderGolden() {}

    static void check(GoldenCase golden, SafetensorsFile file, Model model, Adapter flat) throws IOException {
        if (!file.tensors().containsKey("encoder.embedding.weight")) {
            return;
        }
        Map<String, Object> json =
                Json.read(golden.directory().resolve("adapter").resolve("adapter_config.json"));
        boolean prefix = json.get("peft_type").equals("PREFIX_TUNING");
        try (Adapter adapter = prefix
                        ? new PrefixTuningMethod().create(new PrefixTuningMethod().read(json), model, 1)
                        : new PTuningMethod().create(new PTuningMethod().read(json), model, 1);
                Arena arena = new Arena(DType.F32)) {
            Map<String, Parameter> heads = new HashMap<>();
            flat.parameters().forEach(p -> heads.put(p.name(), p));
            int networks = 0;
            for (Parameter p : adapter.parameters()) {
                if (p.name().startsWith("encoder.")) {
                    p.value().set(GoldenCase.values(file, p.name()));
                    networks++;
                } else {
                    p.value().copyFrom(heads.get(p.name()).value());
                }
            }
            assertEquals(
                    file.tensors().keySet().stream()
                            .filter(n -> n.startsWith("encoder."))
                            .count(),
                    networks);
            GoldenChecks.checkForward(golden, file, model, List.of(adapter));
            try (Pass pass = Pass.differentiable(model.backend(), arena)) {
                Call call = Call.of(pass, adapter);
                model.loss(call, golden.batch(), 1.0 / model.scored(call, golden.batch()));
                pass.backward();
            }
            for (Parameter p : adapter.parameters()) {
                GoldenCase.assertClose(
                        file, "grad." + adapter.savedName(p), p.grad().toFloats(), golden.tolerance("grad_abs"));
            }
            try (Adapter saved = adapter.forSaving(model)) {
                GoldenChecks.checkForward(golden, file, model, List.of(saved));
            }
        }
    }
}
