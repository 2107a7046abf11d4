package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.FullFineTuning;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.models.LoadOptions;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

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

    /** The loss of mixed images by the one of classes: the share of one class of each, and the rest of the other. One image has no class. */
    @ParameterizedTest
    @ValueSource(doubles = {0.3, 1})
    void mixed_images_have_the_loss_of_both_classes_and_its_gradients(double share) throws IOException {
        LoadOptions options = LoadOptions.on(Backend.nd4j(DType.F64));
        try (Model model = Models.load(Methods.MODELS.resolve("resnet_small"), options);
                Arena arena = new Arena(DType.F64);
                Adapter adapter = new FullFineTuning(model)) {
            List<ImageBatch.Image> images =
                    new ArrayList<>(TaskBatches.images(model, 4, 11, 12).images());
            ImageBatch.Image last = images.get(3);
            images.set(3, labelled(last, Targets.IGNORE));
            ImageBatch mixed = ImageBatch.of(images).mixed(share, 1, 2, 0, 3);
            assertEquals(3, model.scored(mixed, List.of(adapter)));
            double own = loss(model, adapter, arena, relabelled(mixed, 0, 1, 2, Targets.IGNORE));
            double others = loss(model, adapter, arena, relabelled(mixed, 1, 2, 0, Targets.IGNORE));
            assertNotEquals(own, others, 1e-3);
            assertEquals(share * own + (1 - share) * others, loss(model, adapter, arena, mixed), 1e-12);
            SplittableRandom random = new SplittableRandom(FiniteDifferences.SEED);
            new FiniteDifferences(model, adapter, mixed, arena, random).check();
        }
    }

    private static ImageBatch.Image labelled(ImageBatch.Image image, int label) {
        return new ImageBatch.Image(
                image.values(), image.channels(), image.height(), image.width(), new Targets.Classes(new int[] {label
                }));
    }

    private static ImageBatch relabelled(ImageBatch batch, int... labels) {
        return ImageBatch.of(IntStream.range(0, labels.length)
                .mapToObj(i -> labelled(batch.images().get(i), labels[i]))
                .toList());
    }

    private static double loss(Model model, Adapter adapter, Arena arena, Batch batch) {
        try (Pass pass = Pass.inference(model.backend(), arena)) {
            return model.loss(Call.of(pass, adapter), batch, 1).mean();
        }
    }
}
