package dev.peft4j.cli;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.compose.Active;
import dev.peft4j.core.compose.PeftModel;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Initial;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.lora.LoraMethod;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * One size of a step: LoRA on a model of random weights.
 *
 * @param sequences of the batch
 * @param length tokens of each of them
 * @param rank of the adapter
 * @param adapters 0 for a training step; else how many adapters the sequences of a forward pass choose among
 * @param changed fields of the config of the model that are other ones
 */
record GrowthPoint(int sequences, int length, int rank, int adapters, Map<String, Integer> changed) {
    private static final int SEED = 1;

    /**
     * Takes the time of steps, and the largest memory of this process.
     *
     * @param config of the model, before it is changed
     */
    Map<String, Object> measure(Map<String, Object> config, StopWatch watch) throws IOException {
        Map<String, Object> fields = new LinkedHashMap<>(config);
        fields.putAll(changed);
        double[] seconds;
        try (Model model = Models.random(Path.of("random"), fields, Backend.auto(), SEED)) {
            PackedBatch batch = BenchInputs.texts(sequences, length, model.vocabularySize());
            seconds = adapters == 0 ? train(model, batch, watch) : serve(model, batch, watch);
        }
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("step_ms", Figures.round(1000 * Figures.median(seconds), 1));
        result.put("peak_rss_mb", Figures.peakMiB());
        result.put("loadavg", Figures.load());
        return result;
    }

    private double[] train(Model model, PackedBatch batch, StopWatch watch) {
        try (Adapter adapter = new LoraMethod().create(LoraConfig.of(rank, 2.0 * rank), model, SEED)) {
            return TrainingSteps.run(model, adapter, List.of(batch), watch).seconds();
        }
    }

    private double[] serve(Model model, PackedBatch batch, StopWatch watch) {
        try (PeftModel peft = new PeftModel(model);
                Arena arena = new Arena(model.backend().dtype())) {
            for (int i = 0; i < adapters; i++) {
                SplittableRandom random = new SplittableRandom(i);
                peft.create(name(i), LoraConfig.of(rank, 2.0 * rank), i)
                        .parameters()
                        .forEach(p -> Initial.gaussian(p.value(), 0.02, random));
            }
            String[] names = new String[sequences];
            for (int s = 0; s < sequences; s++) {
                names[s] = name(s % adapters);
            }
            return watch.seconds(i -> {
                try (Pass pass = Pass.inference(model.backend(), arena)) {
                    model.logits(peft.call(pass, Active.perSequence(names)), batch);
                }
            });
        }
    }

    private static String name(int adapter) {
        return "a" + adapter;
    }
}
