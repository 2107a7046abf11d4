package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.format.SafetensorsFile;
import dev.peft4j.core.layer.ContrastiveLoss;
import dev.peft4j.core.layer.LossFunction;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A folder with a {@code case.json} and the tensors that PyTorch computed for it. */
record GoldenCase(Path root, Path directory, Map<String, Object> json) {

    /** {@code -Dpeft4j.golden=DIR}, else the goldens of the reference material, else the small set of this project. */
    static Path goldenRoot() {
        String given = System.getProperty("peft4j.golden", "");
        if (!given.isEmpty()) {
            Path path = Path.of(given);
            Path root = path.isAbsolute() ? path : Shared.root().resolve(path).normalize();
            if (!Files.isDirectory(root.resolve("cases"))) {
                throw new IllegalArgumentException("-Dpeft4j.golden=" + given
                        + ": a directory with a folder cases was expected, " + root + " has none.");
            }
            return root;
        }
        Path shared = Shared.directory().resolve("golden");
        return Files.isDirectory(shared) ? shared : Shared.root().resolve("peft-tests/src/test/resources/golden");
    }

    /** All cases of all models, by path. */
    static Stream<GoldenCase> all() throws IOException {
        Path root = goldenRoot();
        try (Stream<Path> files = Files.walk(root.resolve("cases"), 3)) {
            return files.filter(p -> p.endsWith("case.json")).sorted().map(p -> read(root, p)).toList().stream();
        }
    }

    private static GoldenCase read(Path root, Path file) {
        try {
            return new GoldenCase(root, file.getParent(), Json.read(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    String method() {
        return String.valueOf(json.get("method"));
    }

    String task() {
        return String.valueOf(json.get("task"));
    }

    /** What the model of the case is for, or null if there is no such model. */
    @Nullable
    TaskType taskType() {
        return switch (task()) {
            case "causal_lm" -> TaskType.CAUSAL_LM;
            case "seq_cls" -> TaskType.SEQ_CLS;
            case "token_cls" -> TaskType.TOKEN_CLS;
            case "masked_lm" -> TaskType.MASKED_LM;
            case "qa" -> TaskType.QUESTION_ANS;
            case "embedding" -> TaskType.FEATURE_EXTRACTION;
            case "image_cls" -> TaskType.IMAGE_CLS;
            default -> null;
        };
    }

    /** The loss of the case. */
    LossFunction loss(Model model) {
        Object temperature = json.get("temperature");
        return temperature == null ? model.head().loss() : new ContrastiveLoss(number(temperature), false);
    }

    Path modelDirectory() {
        return root.resolve(String.valueOf(json.get("model_dir")));
    }

    double tolerance(String name) {
        return number(((Map<?, ?>) json.get("tolerances")).get(name));
    }

    static double number(Object value) {
        return ((Number) value).doubleValue();
    }

    static int[] ints(Object list) {
        return ((List<?>) list).stream().mapToInt(v -> ((Number) v).intValue()).toArray();
    }

    static int[][] rows(Object list) {
        return ((List<?>) list).stream().map(GoldenCase::ints).toArray(int[][]::new);
    }

    int[][] inputs() {
        return rows(json.get("inputs"));
    }

    /** All inputs, of whatever kind. */
    Batch any() throws IOException {
        return taskType() == TaskType.IMAGE_CLS ? images() : batch();
    }

    private ImageBatch images() throws IOException {
        int[] labels = ints(json.get("labels"));
        try (SafetensorsFile file = tensors()) {
            List<Long> shape =
                    Objects.requireNonNull(file.tensors().get("pixel_values")).shape();
            int size = Math.toIntExact(shape.get(1) * shape.get(2) * shape.get(3));
            float[] all = values(file, "pixel_values");
            List<ImageBatch.Image> images = new ArrayList<>();
            for (int i = 0; i < labels.length; i++) {
                images.add(new ImageBatch.Image(
                        Arrays.copyOfRange(all, i * size, (i + 1) * size),
                        Math.toIntExact(shape.get(1)),
                        Math.toIntExact(shape.get(2)),
                        Math.toIntExact(shape.get(3)),
                        new Targets.Classes(new int[] {labels[i]})));
            }
            return ImageBatch.of(images);
        }
    }

    PackedBatch batch() {
        int[] all = new int[inputs().length];
        Arrays.setAll(all, i -> i);
        return batch(all);
    }

    /** Some of the sequences with their labels. */
    PackedBatch batch(int... which) {
        List<?> types = (List<?>) json.get("token_type_ids");
        List<?> labels = (List<?>) json.get("labels");
        List<PackedBatch.Sequence> sequences = new ArrayList<>();
        for (int i : which) {
            int[] type = types == null ? new int[0] : ints(types.get(i));
            Object label = labels.get(i % labels.size()); // the second half are the positives of the first
            sequences.add(sequence(inputs()[i], type, label));
        }
        return PackedBatch.of(sequences);
    }

    private PackedBatch.Sequence sequence(int[] ids, int[] types, Object label) {
        if (json.get("problem_type") != null) {
            List<?> values = label instanceof List<?> several ? several : List.of(label);
            float[] v = new float[values.size()];
            for (int i = 0; i < v.length; i++) {
                v[i] = ((Number) values.get(i)).floatValue();
            }
            boolean several = "multi_label_classification".equals(json.get("problem_type"));
            return (several ? PackedBatch.Sequence.labelSet(ids, v) : PackedBatch.Sequence.valued(ids, v))
                    .withTokenTypes(types);
        }
        if (taskType() == TaskType.QUESTION_ANS) {
            int[] span = ints(label);
            return PackedBatch.Sequence.answered(ids, span[0], span[1]).withTokenTypes(types);
        }
        PackedBatch.Sequence scored = label instanceof List<?>
                ? PackedBatch.Sequence.labelled(ids, ints(label))
                : PackedBatch.Sequence.classified(ids, ((Number) label).intValue());
        return scored.withTokenTypes(types);
    }

    /** The name of a base tensor in the checkpoint, where modules had other names before. */
    String checkpointName(String tensor) {
        Map<?, ?> older = json.get("checkpoint_names") instanceof Map<?, ?> names ? names : Map.of();
        for (Map.Entry<?, ?> e : older.entrySet()) {
            if (tensor.startsWith(e.getKey() + ".")) {
                return e.getValue()
                        + tensor.substring(String.valueOf(e.getKey()).length());
            }
        }
        return tensor;
    }

    SafetensorsFile tensors() throws IOException {
        return SafetensorsFile.open(directory.resolve("tensors.safetensors"));
    }

    static float[] values(SafetensorsFile file, String name) throws IOException {
        try (Tensor t = file.load(name, DType.F32)) {
            return t.toFloats();
        }
    }

    /** Compares with a tensor of the file. */
    static void assertClose(SafetensorsFile file, String name, float[] actual, double tolerance) throws IOException {
        assertClose(name, values(file, name), actual, tolerance);
    }

    /** Compares with a row of a tensor of the file. */
    static void assertClose(SafetensorsFile file, String name, int row, float[] actual, double tolerance)
            throws IOException {
        float[] all = values(file, name);
        float[] expected = Arrays.copyOfRange(all, row * actual.length, (row + 1) * actual.length);
        assertClose(name + " row " + row, expected, actual, tolerance);
    }

    private static void assertClose(String name, float[] expected, float[] actual, double tolerance) {
        assertEquals(expected.length, actual.length, name);
        double worst = 0;
        for (int i = 0; i < expected.length; i++) {
            double d = Math.abs((double) expected[i] - actual[i]);
            worst = Math.max(worst, d); // stays NaN
        }
        double largest = worst;
        assertTrue(largest <= tolerance, () -> name + " differs by " + largest + ", tolerance " + tolerance);
    }

    @Override
    public String toString() {
        return directory.getParent().getFileName() + "/" + directory.getFileName();
    }
}
