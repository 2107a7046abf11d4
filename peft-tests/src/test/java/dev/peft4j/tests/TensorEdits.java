package dev.peft4j.tests;

import dev.peft4j.core.format.SafetensorsFile;
import dev.peft4j.core.format.SafetensorsWriter;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;

/** Writes files of tensors again with a change, as other programs or accidents would; texts in the metadata are left out. */
final class TensorEdits {
    private TensorEdits() {}

    /** Under other names, and with more tensors, which stay the caller's. */
    static void rewrite(Path path, UnaryOperator<String> names, Map<String, Tensor> more) throws IOException {
        rewrite(path, names, more, (name, t) -> {});
    }

    /** With other values. */
    static void change(Path path, BiConsumer<String, Tensor> change) throws IOException {
        rewrite(path, n -> n, Map.of(), change);
    }

    private static void rewrite(
            Path path, UnaryOperator<String> names, Map<String, Tensor> more, BiConsumer<String, Tensor> change)
            throws IOException {
        List<Tensor> open = new ArrayList<>();
        SafetensorsWriter writer = new SafetensorsWriter();
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            for (String name : file.tensors().keySet()) {
                Tensor t = file.load(name, DType.F32);
                open.add(t);
                change.accept(name, t);
                int[] shape = file.tensors().get(name).shape().stream()
                        .mapToInt(Math::toIntExact)
                        .toArray();
                writer.add(names.apply(name), t, shape);
            }
        }
        more.forEach((name, t) -> writer.add(name, t, t.rows(), t.cols()));
        writer.write(path);
        open.forEach(Tensor::close);
    }
}
