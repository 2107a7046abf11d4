package dev.peft4j.cli;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.FullFineTuning;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.lora.LoraMethod;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The cases of {@code scripts/image-bench.py}; the result has its keys. */
final class ImageBench {
    static final List<String> CASES = List.of(
            "resnet50_forward_8x224",
            "resnet50_lora_8x224",
            "resnet50_full_8x224",
            "resnet50_frozen_8x224",
            "vit_b16_lora_8x224",
            "resnet20_forward_64x32",
            "resnet20_full_64x32");
    private static final LoraConfig LORA =
            LoraConfig.of(8, 16); // at all convolutions of a ResNet, q_proj and v_proj of ViT

    private final Path checkpoints;
    private final StopWatch watch;

    ImageBench(Path checkpoints, StopWatch watch) {
        this.checkpoints = checkpoints;
        this.watch = watch;
    }

    /** Runs a case, whose name is the folder of the model, what is measured, and the number and side of the images. */
    Map<String, Object> run(String name) throws IOException {
        int size = name.lastIndexOf('_');
        int work = name.lastIndexOf('_', size - 1);
        String[] numbers = name.substring(size + 1).split("x", 2);
        BackendTimer timer = watch.timer();
        Backend backend = timer == null ? Backend.auto() : timer.backend();
        try (Model model = Models.load(checkpoints.resolve(name.substring(0, work)), backend, 0, 0)) {
            ImageBatch batch = BenchInputs.images(
                    Integer.parseInt(numbers[0]),
                    Integer.parseInt(numbers[1]),
                    model.head().outputs());
            Map<String, Object> result =
                    switch (name.substring(work + 1, size)) {
                        case "forward" -> forward(model, batch);
                        case "lora" ->
                            train(
                                    model,
                                    new LoraMethod().create(LORA.withModulesToSave(model.taskModules()), model, 1),
                                    batch);
                        case "full" -> train(model, FullFineTuning.withBatchStatistics(model), batch);
                        default -> train(model, new FullFineTuning(model), batch);
                    };
            result.put("case", name);
            return result;
        }
    }

    private Map<String, Object> train(Model model, Adapter trained, ImageBatch batch) {
        try (Adapter adapter = trained) {
            TrainingSteps steps = TrainingSteps.run(model, adapter, List.of(batch), watch);
            long count =
                    adapter.parameters().stream().mapToLong(Parameter::size).sum();
            return result(steps.seconds(), batch.size(), count, steps.firstLoss());
        }
    }

    private Map<String, Object> forward(Model model, ImageBatch batch) {
        double[] loss = new double[1];
        try (Arena arena = new Arena(model.backend().dtype())) {
            double[] seconds = watch.seconds(i -> {
                try (Pass pass = Pass.inference(model.backend(), arena)) {
                    loss[0] = model.loss(Call.of(pass), batch, 1).mean();
                }
            });
            return result(seconds, batch.size(), 0, loss[0]);
        }
    }

    private Map<String, Object> result(double[] seconds, int images, long trainable, double firstLoss) {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("trainable", trainable);
        result.put("steps", watch.steps());
        result.put("median_step_ms", Figures.round(1000 * Figures.median(seconds), 1));
        result.put("min_step_ms", Figures.round(1000 * Figures.least(seconds), 1));
        result.put("images_s", Figures.round(images / Figures.median(seconds), 2));
        result.put("loss_eval", Figures.round(firstLoss, 6));
        result.put("threads", Figures.threads());
        result.put("peak_rss_mb", Figures.peakMiB());
        result.put("loadavg", Figures.load());
        result.put("torch", "none: peft4j"); // the reference names its version under this key
        return result;
    }
}
