package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.compose.Active;
import dev.peft4j.core.compose.PeftModel;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.format.SafetensorsFile;
import dev.peft4j.core.model.Loss;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.lora.Combination;
import dev.peft4j.lora.LoraCombination;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Several adapters on one base, as PEFT computes them. */
final class CompositionGolden {
    private static final String ALPHA = "alpha";
    private static final String BETA = "beta";
    private static final String MIXED = "mixed";

    private CompositionGolden() {}

    static void check(GoldenCase golden, SafetensorsFile file, Model model) throws IOException {
        Path from = golden.json().get("adapters_from") instanceof String other
                ? golden.root().resolve(other)
                : golden.directory();
        try (PeftModel peft = new PeftModel(model)) {
            peft.load(ALPHA, from.resolve("adapter_alpha"));
            peft.load(BETA, from.resolve("adapter_beta"));
            switch (golden.method()) {
                case "two_active" -> {
                    compare(golden, file, peft, Active.of(ALPHA), "alpha_logits.");
                    compare(golden, file, peft, Active.of(BETA), "beta_logits.");
                    compare(golden, file, peft, Active.of(ALPHA, BETA), "logits.");
                }
                case "disable" -> {
                    Compositions.without(peft, () -> compare(golden, file, peft, Active.of(ALPHA, BETA), "logits."));
                }
                case "mixed_batch" -> {
                    List<?> names = (List<?>) golden.json().get("adapter_names");
                    String[] each = names.stream().map(String::valueOf).toArray(String[]::new);
                    compare(golden, file, peft, Active.perSequence(each), "logits.");
                }
                default -> combine(golden, file, peft);
            }
        }
    }

    private static void compare(GoldenCase golden, SafetensorsFile file, PeftModel peft, Active active, String prefix)
            throws IOException {
        PackedBatch batch = golden.batch();
        try (Arena arena = new Arena(DType.F32)) {
            try (Pass pass = Pass.inference(peft.base().backend(), arena)) {
                Tensor logits =
                        peft.base().logits(peft.call(pass, active), batch).value();
                for (int i = 0; i < batch.sequences(); i++) {
                    float[] rows = logits.rows(batch.start(i), batch.length(i)).toFloats();
                    GoldenCase.assertClose(file, prefix + i, rows, golden.tolerance("logits_abs"));
                }
            }
            if (prefix.equals("logits.")) {
                try (Pass pass = Pass.inference(peft.base().backend(), arena)) {
                    Loss loss = peft.base().loss(peft.call(pass, active), batch, 1);
                    assertEquals(GoldenCase.values(file, "loss")[0], loss.mean(), golden.tolerance("loss_abs"));
                }
            }
        }
    }

    private static void combine(GoldenCase golden, SafetensorsFile file, PeftModel peft) throws IOException {
        Map<String, Object> json = golden.json();
        Combination.Type type = Combination.Type.valueOf(
                String.valueOf(json.get("combination_type")).toUpperCase(Locale.ROOT));
        double[] weights = ((List<?>) json.get("weights"))
                .stream().mapToDouble(GoldenCase::number).toArray();
        Combination rule = Combination.of(type);
        if (json.get("svd_rank") != null) {
            rule = rule.withRank((int) GoldenCase.number(json.get("svd_rank")));
        }
        if (json.get("density") != null) {
            rule = rule.withDensity(GoldenCase.number(json.get("density")));
        }
        List<Adapter> both = List.of(peft.adapter(ALPHA), peft.adapter(BETA));
        LoraCombination.Result result = LoraCombination.combine(peft.base(), both, weights, rule);
        peft.add(MIXED, result.adapter());
        compare(golden, file, peft, Active.of(MIXED), "logits.");
        compareDeltas(golden, file, peft.base(), result.adapter());
        assertTrue(
                type != Combination.Type.CAT || result.relativeError() < 1e-6,
                type + " has the error " + result.relativeError());
        try (Adapter stored = AdapterFiles.load(golden.directory().resolve("adapter_mixed"), peft.base())) {
            peft.hotSwap(MIXED, stored);
            compare(golden, file, peft, Active.of(MIXED), "logits.");
            compareDeltas(golden, file, peft.base(), stored);
            peft.delete(MIXED);
        }
    }

    private static void compareDeltas(GoldenCase golden, SafetensorsFile file, Model model, Adapter adapter)
            throws IOException {
        for (LinearSite site : model.linearSites()) {
            String name = "delta." + site.name() + ".weight";
            if (file.tensors().containsKey(name)) {
                try (Tensor delta = Tensor.zeros(DType.F32, site.out(), site.in())) {
                    adapter.mergeInto(site, delta);
                    GoldenCase.assertClose(file, name, delta.toFloats(), golden.tolerance("merged_abs"));
                }
            }
        }
    }
}
