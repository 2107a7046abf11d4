package dev.peft4j.cli;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.train.AdamW;
import java.util.List;

/**
 * Training steps that are measured: forward, backward and AdamW (rate 1e-4, no decay), with the dropout of the configs.
 *
 * @param seconds of each step
 * @param firstLoss of the first batch before training, without dropout
 */
record TrainingSteps(double[] seconds, double firstLoss) {
    private static final double RATE = 1e-4;

    /**
     * Trains an adapter, which stays the caller's.
     *
     * @param batches that are taken in turn
     */
    static TrainingSteps run(Model model, Adapter adapter, List<? extends Batch> batches, StopWatch watch) {
        List<Parameter> parameters = adapter.parameters();
        try (Arena arena = new Arena(model.backend().dtype());
                AdamW optimizer = new AdamW(0)) {
            double firstLoss;
            try (Pass pass = Pass.inference(model.backend(), arena)) {
                firstLoss =
                        model.loss(Call.of(pass, adapter), batches.get(0), 1).mean();
            }
            double[] seconds = watch.seconds(i -> {
                Batch batch = batches.get(i % batches.size());
                try (Pass pass = Pass.training(model.backend(), arena, i)) {
                    Call call = Call.of(pass, adapter);
                    model.loss(call, batch, 1.0 / model.scored(call, batch));
                    pass.backward();
                }
                optimizer.step(model.backend(), parameters, RATE);
                parameters.forEach(Parameter::zeroGrad);
            });
            return new TrainingSteps(seconds, firstLoss);
        }
    }
}
