package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.compose.MergedAdapter;
import dev.peft4j.core.compose.MergedModel;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.train.Evaluation;
import dev.peft4j.core.train.Evaluator;
import dev.peft4j.core.train.Strategy;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.models.LoadOptions;
import dev.peft4j.models.ModelInput;
import dev.peft4j.models.Models;
import dev.peft4j.models.data.Labels;
import dev.peft4j.models.image.Augmentation;
import dev.peft4j.models.image.ImageInput;
import dev.peft4j.models.image.ImageRecord;
import dev.peft4j.models.image.ImageRecords;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A network that is no more than a config learns the handwritten digits. */
class FromScratchTest {
    private static final String CONFIG =
            """
            {"model_type": "resnet", "num_channels": 1, "embedding_size": 32, "hidden_sizes": [32, 64, 128], "depths": [1, 1, 1],
             "layer_type": "basic", "hidden_act": "relu"}
            """;
    private static final String PREPROCESSING =
            """
            {"do_resize": false, "do_rescale": true, "do_normalize": true, "image_mean": [0.1307], "image_std": [0.3081]}
            """;

    @TempDir
    Path dir;

    private Path directory() throws IOException {
        Files.writeString(dir.resolve("config.json"), CONFIG);
        Files.writeString(dir.resolve("preprocessor_config.json"), PREPROCESSING);
        return dir;
    }

    @Test
    void a_small_resnet_reads_more_than_97_of_100_digits() throws IOException {
        List<ImageRecord> all =
                ImageRecords.defaults().read(Shared.require("data/mnist_t10k/first2400-images-idx3-ubyte.gz"));
        Labels labels = Labels.ofClasses(all.stream().map(ImageRecord::labelled).toList());
        Path written = dir.resolve("written");
        LoadOptions options = LoadOptions.defaults().withOutputs(labels.outputs());
        Strategy strategy = Strategy.parse("full,statistics=batch");
        TrainingConfig config = TrainingConfig.builder()
                .epochs(20)
                .batchSize(64)
                .learningRate(2e-3)
                .build();
        List<Example> heldOut;
        double accuracy;
        try (Model model = Models.fromScratch(directory(), options);
                ModelInput input = ModelInput.open(dir, model);
                Adapter tuning = strategy.inPlace(model)) {
            ImageInput varied = ImageInput.of(input).with(Augmentation.none().withPadding(2));
            List<Example> train = all.subList(0, 2000).stream()
                    .<Example>map(r -> r.example(labels, varied))
                    .toList();
            heldOut = all.subList(2000, 2400).stream()
                    .<Example>map(r -> r.example(labels, input))
                    .toList();
            new Trainer(model, tuning, config, List.of()).withStrategy(strategy).train(train, List.of());
            accuracy = Evaluator.evaluate(model, List.of(tuning), heldOut).accuracy();
            try (MergedAdapter merged = MergedAdapter.of(model, List.of(tuning))) {
                MergedModel.write(written, model, merged, labels.names());
            }
        }
        assertTrue(accuracy > 0.97, "accuracy " + accuracy);
        try (Model model = Models.load(written)) {
            Evaluation read = Evaluator.evaluate(model, List.of(), heldOut);
            assertEquals(accuracy, read.accuracy(), 1e-9);
        }
    }
}
