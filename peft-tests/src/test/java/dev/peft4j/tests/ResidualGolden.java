package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.format.SafetensorsFile;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Decompositions;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.train.AdamW;
import dev.peft4j.core.weight.FrozenWeight;
import dev.peft4j.lora.LoraConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * PiSSA and OLoRA. PEFT's own form of such an adapter means what PEFT's single-precision decomposition of the base gave on one machine: where two singular
 * values are close, PEFT itself does not reproduce it elsewhere. So the residual of the base is compared within what the distance of the singular values
 * allows, and everything else on the very residual that PEFT had, within the tolerances of the case.
 */
final class ResidualGolden {
    private static final double SINGLE_PRECISION = 1e-6; // of a decomposition, relative to the largest singular value

    private ResidualGolden() {}

    static void check(GoldenCase golden, SafetensorsFile file, Model model) throws IOException {
        Path directory = golden.directory();
        try (Adapter plain = AdapterFiles.load(directory.resolve("adapter_converted"), model)) {
            GoldenChecks.checkForward(golden, file, model, List.of(plain));
            GoldenChecks.checkMerged(golden, file, model, plain);
        }
        try (Adapter adapter = AdapterFiles.load(directory.resolve("adapter"), model);
                Correction correction = new Correction(golden, file, model, adapter)) {
            List<Adapter> both = List.of(correction, adapter);
            GoldenChecks.checkForward(golden, file, model, both);
            differentiate(golden, model, both);
            GoldenChecks.compareGradients(
                    golden, file, model, adapter, "grad.", GoldenChecks.PREFIX, golden.tolerance("grad_abs"));
            try (Adapter back = GoldenChecks.savedAndLoaded(model, adapter)) {
                assertTrue(back != adapter && back.trainableCount() > adapter.trainableCount(), "saved as plain LoRA");
                assertTrue(distance(logits(golden, model, adapter), logits(golden, model, back)) < 1e-5);
            }
            checkTraining(golden, file, model, adapter, both);
        }
    }

    private static void differentiate(GoldenCase golden, Model model, List<Adapter> adapters) {
        try (Arena arena = new Arena(DType.F32);
                Pass pass = Pass.differentiable(model.backend(), arena)) {
            Call call = Call.of(pass, adapters);
            model.loss(call, golden.batch(), 1.0 / model.scored(call, golden.batch()));
            pass.backward();
        }
    }

    private static float[] logits(GoldenCase golden, Model model, Adapter adapter) {
        try (Arena arena = new Arena(DType.F32);
                Pass pass = Pass.inference(model.backend(), arena)) {
            return model.logits(Call.of(pass, adapter), golden.batch()).value().toFloats();
        }
    }

    private static double distance(float[] a, float[] b) {
        double worst = 0;
        for (int i = 0; i < a.length; i++) {
            worst = Math.max(worst, Math.abs(a[i] - b[i]));
        }
        return worst;
    }

    /** From the first values of PEFT, whose signs are free, over the steps of the case. */
    private static void checkTraining(
            GoldenCase golden, SafetensorsFile file, Model model, Adapter adapter, List<Adapter> both)
            throws IOException {
        Map<?, ?> o = (Map<?, ?>) golden.json().get("optimizer");
        float[] losses = GoldenCase.values(file, "losses");
        for (Parameter p : adapter.parameters()) {
            p.value().set(GoldenCase.values(file, "init." + GoldenChecks.PREFIX + p.name()));
            p.zeroGrad();
        }
        try (AdamW adam = new AdamW(GoldenCase.number(o.get("weight_decay")));
                Arena arena = new Arena(DType.F32)) {
            for (int step = 0; step < losses.length; step++) {
                double loss;
                try (Pass pass = Pass.differentiable(model.backend(), arena)) {
                    Call call = Call.of(pass, both);
                    loss = model.loss(call, golden.batch(), 1.0 / model.scored(call, golden.batch()))
                            .mean();
                    pass.backward();
                }
                double expected = losses[step];
                assertTrue(
                        Math.abs(expected - loss) <= golden.tolerance("after_abs"),
                        () -> golden + " loss " + loss + " where " + expected + " was expected");
                adam.step(model.backend(), adapter.parameters(), GoldenCase.number(o.get("lr")));
                adapter.parameters().forEach(Parameter::zeroGrad);
            }
        }
    }

    /** Puts base weights in place such that what is left of them is what PEFT had, after making sure that it is nearly the same. */
    private static final class Correction implements Adapter {
        private final Map<String, Parameter> weights = new HashMap<>();

        Correction(GoldenCase golden, SafetensorsFile file, Model model, Adapter adapter) throws IOException {
            int found = 0;
            for (LinearSite site : model.linearSites()) {
                if (!adapter.actsAt(site)) {
                    continue;
                }
                String name = site.name() + ".weight";
                float[] a = GoldenCase.values(file, "init." + GoldenChecks.PREFIX + site.name() + ".lora_A.weight");
                float[] b = GoldenCase.values(file, "init." + GoldenChecks.PREFIX + site.name() + ".lora_B.weight");
                double scaling = scaling(adapter, a.length / site.in());
                Tensor corrected = model.weight(name).copy(DType.F32);
                try (Tensor left = residual(model, adapter, site)) {
                    double worst = 0;
                    for (int r = 0; r < corrected.rows(); r++) {
                        for (int c = 0; c < corrected.cols(); c++) {
                            double start = 0;
                            int rank = a.length / site.in();
                            for (int k = 0; k < rank; k++) {
                                start += (double) b[r * rank + k] * a[k * site.in() + c];
                            }
                            double difference = corrected.get(r, c) - scaling * start - left.get(r, c);
                            worst = Math.max(worst, Math.abs(difference));
                            corrected.set(r, c, corrected.get(r, c) + difference);
                        }
                    }
                    double allowed = allowed(golden, model.weight(name), a.length / site.in());
                    double largest = worst;
                    assertTrue(largest <= allowed, () -> name + " residual differs by " + largest + ", " + allowed);
                }
                if (file.tensors().containsKey("residual." + name)) {
                    found++;
                }
                Parameter p = new Parameter(name, corrected, site.out(), site.in());
                p.setTrainable(false);
                weights.put(name, p);
            }
            assertTrue(found > 0, "no residual in the case");
        }

        private static double scaling(Adapter adapter, int rank) {
            LoraConfig config = (LoraConfig) adapter.config();
            return config.alpha() / rank;
        }

        private static Tensor residual(Model model, Adapter adapter, LinearSite site) {
            Parameter a = adapter.parameters().stream()
                    .filter(p -> p.name().equals(site.name() + ".lora_A.weight"))
                    .findFirst()
                    .orElseThrow();
            Tensor left = model.weight(site.name() + ".weight").copy(DType.F32);
            try (Tensor trained = a.value().copy(DType.F32)) {
                a.value().fill(0);
                adapter.mergeInto(site, left);
                a.value().copyFrom(trained);
            }
            return left;
        }

        /** By Wedin's theorem singular vectors move by the error over the distance to the next singular value. */
        private static double allowed(GoldenCase golden, FrozenWeight weight, int rank) {
            double tolerance = golden.tolerance("merged_abs");
            if (golden.method().equals("lora_olora")) {
                return tolerance;
            }
            double[] s = Decompositions.svd(weight.toDoubles(), weight.out(), weight.in())
                    .s();
            return Math.max(tolerance, SINGLE_PRECISION * s[0] * s[rank - 1] / (s[rank - 1] - s[rank]));
        }

        @Override
        public @Nullable Parameter replacement(String tensorName) {
            return weights.get(tensorName);
        }

        @Override
        public PeftConfig config() {
            throw new UnsupportedOperationException("weights of a test have no config");
        }

        @Override
        public List<Parameter> parameters() {
            return new ArrayList<>(weights.values());
        }

        @Override
        public void close() {
            weights.values().forEach(Parameter::close);
        }
    }
}
