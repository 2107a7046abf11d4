package dev.peft4j.models;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.data.Layout;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.layer.Head;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** How one row is made of the hidden states of a sequence. */
enum Pooling {
    /** That of the first token. */
    FIRST,
    /** The mean of all. */
    MEAN;

    private static final long MOST = 1 << 16; // bytes
    private static final String FILE = "1_Pooling/config.json";

    /**
     * What a directory of the library sentence-transformers says of itself; the mean where it says nothing.
     *
     * @throws BadFileException if it says something else
     */
    static Pooling of(Path directory) throws IOException {
        Path modules = directory.resolve("modules.json");
        if (Files.isRegularFile(modules)) {
            String text = Files.size(modules) > MOST ? "Dense" : Files.readString(modules);
            if (text.contains("Dense") || text.contains("WeightedLayerPooling") || text.contains("LSTM")) {
                throw new BadFileException(
                        modules,
                        "names layers behind the pooling, which would change all vectors and are not read. Use a checkpoint"
                                + " of Transformer, Pooling and Normalize alone.");
            }
        }
        Path file = directory.resolve(FILE);
        if (!Files.isRegularFile(file)) {
            return MEAN;
        }
        Map<String, Object> modes = Json.read(file);
        List<String> asked = modes.entrySet().stream()
                .filter(e -> e.getKey().startsWith("pooling_mode_") && Boolean.TRUE.equals(e.getValue()))
                .map(Map.Entry::getKey)
                .toList();
        if (asked.equals(List.of("pooling_mode_mean_tokens"))) {
            return MEAN;
        }
        if (asked.equals(List.of("pooling_mode_cls_token"))) {
            return FIRST;
        }
        throw new BadFileException(
                file,
                "asks for " + asked
                        + "; there are pooling_mode_mean_tokens and pooling_mode_cls_token, and only one of them. Use"
                        + " another checkpoint.");
    }

    /** The rows that are read: the first of each sequence, or null for all. */
    int @Nullable [] rows(Layout layout) {
        return this == FIRST ? firstRows(layout) : null;
    }

    /** The same by their numbers. */
    int[] allRows(Layout layout) {
        return this == FIRST
                ? firstRows(layout)
                : IntStream.range(0, layout.starts()[layout.size()]).toArray();
    }

    private static int[] firstRows(Layout layout) {
        return Arrays.copyOf(layout.starts(), layout.size());
    }

    /** One row of each sequence, of the rows that were read. */
    Head.Features features(Call call, Layout layout, Node hidden) {
        return this == FIRST
                ? new Head.Features(call, hidden)
                : new Head.Features(
                        call.overRows(firstRows(layout)), Functions.means(call.pass(), hidden, layout.starts()));
    }
}
