package dev.peft4j.tests;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.FullFineTuning;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.models.LoadOptions;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whole models of images in double precision on the ND4J engine: every trainable tensor against central differences of the loss. */
@ExtendWith(OneNd4jThread.class)
class ImageFiniteDifferenceTest {
    private static Adapter adapter(Model model, String family, String method) {
        return switch (method) {
            case "full" -> new FullFineTuning(model);
            case "batch statistics" -> FullFineTuning.withBatchStatistics(model);
            default -> {
                PeftConfig config = Objects.requireNonNull(
                        ConvMethodsTest.atConvolutions(family).get(method));
                yield AdapterFiles.method(config.peftType()).create(config, model, FiniteDifferences.SEED);
            }
        };
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource({
        "resnet_small,full",
        "resnet_small,batch statistics",
        "resnet_small,LoRA",
        "resnet_small,LoHa with kernels",
        "resnet_small,LoKr with kernels",
        "resnet_cifar_small,batch statistics",
        "vgg_small,full",
        "vgg_small,LoRA lora_bias",
        "efficientnet_small,batch statistics",
        "efficientnet_small,LoRA",
        "efficientnet_small,IA3",
        "vit_small,full",
        "vit_small_mean_layers,full",
        "resnet_small_layers,full"
    })
    void gradients_equal_central_differences(String family, String method) throws IOException {
        LoadOptions options = LoadOptions.on(Backend.nd4j(DType.F64));
        try (Model model = Models.load(Methods.MODELS.resolve(family), options);
                Arena arena = new Arena(DType.F64);
                Adapter adapter = adapter(model, family, method)) {
            boolean fixed = family.startsWith("vit_small"); // to the size of its config
            Batch batch = TaskBatches.images(model, 3, fixed ? 15 : 11, 12);
            SplittableRandom random = new SplittableRandom(FiniteDifferences.SEED);
            new FiniteDifferences(model, adapter, batch, arena, random).check();
        }
    }
}
