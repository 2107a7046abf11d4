package dev.peft4j.cli;

import dev.peft4j.core.compose.MergedModel;
import dev.peft4j.models.gguf.GgufConversion;
import dev.peft4j.models.gguf.GgufType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Makes a Hugging Face directory of a model of llama.cpp. */
@Command(
        name = "import",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Makes a model directory of a GGUF file of the Llama architecture, with its tokenizer.",
        footer = {"", "Example:", "  peft4j import --gguf model.Q4_1.gguf --out model"})
final class ImportCommand implements Callable<Integer> {
    @Option(names = "--gguf", required = true, paramLabel = "FILE", description = "file of llama.cpp")
    Path gguf = Path.of("");

    @Option(names = "--out", required = true, paramLabel = "DIR", description = "new directory of the model")
    Path out = Path.of("");

    @Option(
            names = "--as",
            paramLabel = "TYPE",
            description = "F32, F16 or BF16 for all tensors (default: as they are stored; quantized ones as F32)")
    @Nullable
    GgufType type;

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        MergedModel.checkOutput(out);
        GgufType asked = type;
        if (asked == null) {
            GgufConversion.toDirectory(gguf, out);
        } else {
            GgufConversion.toDirectory(gguf, out, asked);
        }
        spec.commandLine().getOut().printf("model: %s%n", out);
        return 0;
    }
}
