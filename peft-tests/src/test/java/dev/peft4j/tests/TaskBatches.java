package dev.peft4j.tests;

import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Sequences with targets of the kind that a model is compared with. */
final class TaskBatches {
    private static final int SIDE = 32;

    private TaskBatches() {}

    /** The task that a small model of the goldens is for, where its config names a base. */
    static TaskType task(String family, TaskType usual) {
        return switch (family) {
            case "electra_small" -> TaskType.MASKED_LM;
            case "bert_vectors" -> TaskType.FEATURE_EXTRACTION;
            default -> usual;
        };
    }

    /** A batch of any model: sequences, or images of the size that its config tells. */
    static Batch any(Model model) throws IOException {
        if (model.taskType() != TaskType.IMAGE_CLS) {
            return of(model, new int[][] {{5, 9, 2, 7, 11}, {11, 5}, {8, 7, 1}, {5, 12}});
        }
        Map<String, Object> config = Json.read(model.directory().resolve("config.json"));
        Object size = config.getOrDefault("image_size", SIDE);
        List<?> sides = size instanceof List<?> both ? both : List.of(size, size);
        return images(model, 4, ((Number) sides.get(0)).intValue(), ((Number) sides.get(1)).intValue());
    }

    /** Some images of noise. */
    static ImageBatch images(Model model, int count, int height, int width) throws IOException {
        Map<String, Object> config = Json.read(model.directory().resolve("config.json"));
        int channels = ((Number) config.getOrDefault("num_channels", 3)).intValue();
        SplittableRandom random = new SplittableRandom(3);
        List<ImageBatch.Image> images = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            float[] values = new float[channels * height * width];
            for (int k = 0; k < values.length; k++) {
                values[k] = (float) random.nextGaussian();
            }
            Targets targets = new Targets.Classes(new int[] {i % model.head().outputs()});
            images.add(new ImageBatch.Image(values, channels, height, width, targets));
        }
        return ImageBatch.of(images);
    }

    /** A batch; of an even number of sequences, where pairs are compared. */
    static PackedBatch of(Model model, int[]... ids) {
        return PackedBatch.of(IntStream.range(0, ids.length)
                .mapToObj(i -> sequence(model, i, ids[i]))
                .toList());
    }

    private static PackedBatch.Sequence sequence(Model model, int number, int... ids) {
        int outputs = model.head().outputs();
        return switch (model.taskType()) {
            case CAUSAL_LM -> PackedBatch.Sequence.labelled(ids, ids);
            case SEQ_CLS -> PackedBatch.Sequence.classified(ids, number % outputs);
            case TOKEN_CLS ->
                PackedBatch.Sequence.labelled(
                        ids, Arrays.stream(ids).map(id -> id % outputs).toArray());
            case MASKED_LM ->
                PackedBatch.Sequence.labelled(
                        ids,
                        IntStream.range(0, ids.length)
                                .map(i -> i % 2 == 0 ? ids[i] : Targets.IGNORE)
                                .toArray());
            case QUESTION_ANS -> PackedBatch.Sequence.answered(ids, ids.length / 2, ids.length - 1);
            case FEATURE_EXTRACTION -> PackedBatch.Sequence.classified(ids, number / 2);
            case IMAGE_CLS -> throw new IllegalArgumentException("tokens for a model of images");
        };
    }
}
