package dev.peft4j.cli;

import dev.peft4j.models.ModelInfo;
import dev.peft4j.models.NewHead;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The form of the new head of a classifier. */
final class HeadOptions {
    @Option(
            names = "--head-layers",
            split = ",",
            paramLabel = "N",
            description =
                    "a new head with layers of so many outputs and a ReLU behind each in front of the output layer, such as 256 or"
                            + " 256,64; of a classifier of whole texts or images (default: as the family has it)")
    List<Integer> layers = List.of();

    @Option(
            names = "--head-pooling",
            paramLabel = "KIND",
            description =
                    "what a new head reads of the tokens of an encoder, or the patches of a ViT: ${COMPLETION-CANDIDATES}; usual is"
                            + " what the family has (default: ${DEFAULT-VALUE})")
    Pooling pooling = Pooling.USUAL;

    /** What a head reads. */
    enum Pooling {
        USUAL,
        MEAN;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * The form of the head that a model is to be opened with; null for that of the checkpoint.
     *
     * @param adapters that are active, of which none may have a head if one was asked for
     */
    @Nullable
    NewHead head(ModelInfo info, List<Path> adapters) throws IOException {
        boolean usual = layers.isEmpty() && pooling == Pooling.USUAL;
        return info.newHead(usual ? null : new NewHead(layers, pooling == Pooling.MEAN), adapters);
    }

    /** For reports. */
    Map<String, String> settings() {
        return layers.isEmpty() && pooling == Pooling.USUAL
                ? Map.of()
                : Map.of("head", new NewHead(layers, pooling == Pooling.MEAN).toString());
    }
}
