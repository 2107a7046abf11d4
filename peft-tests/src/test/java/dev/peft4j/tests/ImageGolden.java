package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.FullFineTuning;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.format.SafetensorsFile;
import dev.peft4j.core.model.Loss;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.train.Sgd;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What is compared of models of images beside logits, loss and gradients. */
final class ImageGolden {
    private static final String COUNTER = ".num_batches_tracked"; // with a momentum, nothing depends on it

    private ImageGolden() {}

    /** Has norms take the statistics of the batch, of which nothing is kept. */
    record StatisticsOfBatch() implements Adapter {
        @Override
        public PeftConfig config() {
            throw new UnsupportedOperationException();
        }

        @Override
        public List<Parameter> parameters() {
            return List.of();
        }

        @Override
        public boolean takesBatchStatistics(String norm) {
            return true;
        }

        @Override
        public void close() {
            // it owns nothing
        }
    }

    /** What the classifier reads. */
    static void checkFeatures(GoldenCase golden, SafetensorsFile file, Model model) throws IOException {
        if (!file.tensors().containsKey("features")) {
            return;
        }
        try (Arena arena = new Arena(DType.F32);
                Pass pass = Pass.inference(model.backend(), arena)) {
            float[] features =
                    model.hidden(Call.of(pass), golden.any(), null).value().toFloats();
            GoldenCase.assertClose(file, "features", features, golden.tolerance("logits_abs"));
        }
    }

    /** The classifier alone is trained, on what the frozen backbone gives. */
    static void checkHead(GoldenCase golden, SafetensorsFile file, Model model) throws IOException {
        try (Adapter all = new FullFineTuning(model)) {
            List<?> trained = (List<?>) golden.json().get("trainable");
            all.parameters().forEach(p -> p.setTrainable(trained.contains(p.name())));
            List<Parameter> head =
                    all.parameters().stream().filter(Parameter::isTrainable).toList();
            assertEquals(trained.size(), head.size());
            Adapter only = new TrainedOnly(all, head);
            GoldenChecks.checkGradients(golden, file, model, only, golden.any(), "grad.", "");
            GoldenChecks.checkTraining(golden, file, model, only, "");
        }
    }

    /** Norms take the statistics of the batch, and running ones move with them. */
    static void checkBatchStatistics(GoldenCase golden, SafetensorsFile file, Model model) throws IOException {
        Map<?, ?> sgd = (Map<?, ?>) golden.json().get("optimizer");
        Batch batch = golden.any();
        try (Adapter all = FullFineTuning.withBatchStatistics(model);
                Arena arena = new Arena(DType.F32);
                Sgd optimizer =
                        new Sgd(GoldenCase.number(sgd.get("momentum")), GoldenCase.number(sgd.get("weight_decay")))) {
            List<Parameter> trained =
                    all.parameters().stream().filter(Parameter::isTrainable).toList();
            checkTrainingLogits(golden, file, model, all, arena);
            int steps = (int) GoldenCase.number(sgd.get("steps"));
            for (int step = 0; step < steps; step++) {
                try (Pass pass = Pass.training(model.backend(), arena, step)) {
                    Call call = Call.of(pass, all);
                    Loss loss = model.loss(call, batch, 1.0 / model.scored(call, batch));
                    pass.backward();
                    if (step == 0) {
                        double expected = GoldenCase.values(file, "loss")[0];
                        assertEquals(expected, loss.mean(), golden.tolerance("loss_abs"), "loss");
                        GoldenChecks.compareGradients(
                                golden, file, model, all, "grad.", "", golden.tolerance("grad_abs"));
                        compare(golden, file, all, "after1.", model.statistics().size());
                    }
                }
                optimizer.step(model.backend(), trained, GoldenCase.number(sgd.get("lr")));
                trained.forEach(Parameter::zeroGrad);
            }
            compare(golden, file, all, "after.", all.parameters().size());
            GoldenChecks.checkLogits(golden, file, model, List.of(all), arena, "after_logits.");
        }
    }

    /** Logits of a training pass, whose statistics are taken back. */
    private static void checkTrainingLogits(
            GoldenCase golden, SafetensorsFile file, Model model, Adapter all, Arena arena) throws IOException {
        Map<Parameter, double[]> before = new HashMap<>();
        all.parameters().stream()
                .filter(p -> model.statistics().contains(p.name()))
                .forEach(p -> before.put(p, p.value().toDoubles()));
        try (Pass pass = Pass.training(model.backend(), arena, 0)) {
            var logits = model.logits(Call.of(pass, all), golden.any()).value();
            for (int i = 0; i < logits.rows(); i++) {
                float[] row = logits.rows(i, 1).toFloats();
                GoldenCase.assertClose(file, "logits." + i, row, golden.tolerance("logits_abs"));
            }
        }
        before.forEach((p, values) -> p.value().set(values));
    }

    private static void compare(GoldenCase golden, SafetensorsFile file, Adapter all, String prefix, int expected)
            throws IOException {
        int compared = 0;
        for (Parameter p : all.parameters()) {
            String name = prefix + p.name();
            if (file.tensors().containsKey(name)) {
                GoldenCase.assertClose(file, name, p.value().toFloats(), golden.tolerance("after_abs"));
                compared++;
            }
        }
        assertEquals(expected, compared, prefix);
        long there = file.tensors().keySet().stream()
                .filter(n -> n.startsWith(prefix) && !n.endsWith(COUNTER))
                .count();
        assertEquals(there, compared, prefix);
    }
}
