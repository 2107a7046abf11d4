package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.compose.MergedAdapter;
import dev.peft4j.core.compose.MergedModel;
import dev.peft4j.core.format.SafetensorsFile;
import dev.peft4j.core.format.SafetensorsWriter;
import dev.peft4j.core.format.TensorInfo;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.models.ModelInfo;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Checkpoints whose tensors have the names of torchvision and timm. */
class NamesElsewhereTest {
    private static final Pattern UNIT = Pattern.compile(
            "resnet\\.encoder\\.stages\\.(\\d)\\.layers\\.(\\d+)\\.(?:layer\\.(\\d)|(shortcut))\\.(convolution|normalization)\\.");

    @TempDir
    Path dir;

    /** As torchvision's {@code state_dict} has it, written down apart from the names of the family. */
    private static String torchvision(String name) {
        return UNIT.matcher(name.replace("resnet.embedder.embedder.convolution", "conv1")
                        .replace("resnet.embedder.embedder.normalization", "bn1")
                        .replace("classifier.1.", "fc."))
                .replaceAll(NamesElsewhereTest::unit);
    }

    private static String unit(MatchResult m) {
        boolean convolves = m.group(5).equals("convolution");
        String layer = "layer" + (Integer.parseInt(m.group(1)) + 1) + "." + m.group(2) + ".";
        return m.group(4) != null
                ? layer + "downsample." + (convolves ? 0 : 1) + "."
                : layer + (convolves ? "conv" : "bn") + (Integer.parseInt(m.group(3)) + 1) + ".";
    }

    /** The small ResNet under torchvision's names. */
    private Path renamed(Path from) throws IOException {
        Path to = Files.createDirectory(dir.resolve("renamed"));
        Files.copy(from.resolve("config.json"), to.resolve("config.json"));
        SafetensorsWriter writer = new SafetensorsWriter();
        List<Tensor> all = new ArrayList<>();
        try (SafetensorsFile file = SafetensorsFile.open(from.resolve("model.safetensors"))) {
            for (Map.Entry<String, TensorInfo> e : file.tensors().entrySet()) {
                if (e.getKey().endsWith("num_batches_tracked")) {
                    continue;
                }
                Tensor t = file.load(e.getKey(), DType.F32);
                all.add(t);
                int[] shape =
                        e.getValue().shape().stream().mapToInt(Long::intValue).toArray();
                writer.add(torchvision(e.getKey()), t, shape);
            }
            writer.write(to.resolve("model.safetensors"));
        }
        all.forEach(Tensor::close);
        return to;
    }

    private static float[] logits(Path directory) throws IOException {
        try (Model model = Models.load(directory, Backend.host(), 0, 0);
                Arena arena = new Arena(model.backend().dtype());
                Pass pass = Pass.inference(model.backend(), arena)) {
            return model.logits(Call.of(pass), TaskBatches.any(model)).value().toFloats();
        }
    }

    private static Set<String> names(Path directory) throws IOException {
        try (SafetensorsFile file = SafetensorsFile.open(directory.resolve("model.safetensors"))) {
            return new TreeSet<>(file.tensors().keySet());
        }
    }

    @Test
    void a_resnet_of_torchvision_is_the_same_and_is_written_by_its_names() throws IOException {
        Path ours = Methods.MODELS.resolve("resnet_small");
        Path theirs = renamed(ours);
        assertEquals(
                Set.of(),
                new TreeSet<>(
                        names(theirs).stream().filter(n -> n.contains("resnet")).toList()));
        assertArrayEquals(logits(ours), logits(theirs));
        assertEquals(ModelInfo.read(ours).head(), ModelInfo.read(theirs).head());
        Path merged = dir.resolve("merged");
        try (Model model = Models.load(theirs);
                MergedAdapter none = MergedAdapter.of(model, List.of())) {
            MergedModel.write(merged, model, none, List.of());
        }
        assertEquals(names(theirs), names(merged));
        assertArrayEquals(logits(theirs), logits(merged));
    }
}
