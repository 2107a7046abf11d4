package dev.peft4j.cli;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.model.Model;
import dev.peft4j.lora.LoraCombination;
import dev.peft4j.lora.LoraConversion;
import dev.peft4j.models.gguf.GgufAdapter;
import dev.peft4j.models.gguf.GgufType;
import dev.peft4j.run.RunDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Makes a plain LoRA adapter of an adapter of another method. */
@Command(
        name = "convert",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Makes plain LoRA of an adapter of any method that changes weights, for servers that know LoRA only; or a GGUF file of a LoRA adapter, for llama.cpp.",
        footer = {
            "",
            "Examples:",
            "  peft4j convert --model DIR --adapter run/loha --energy 0.99 --out run/lora",
            "  peft4j convert --model DIR --adapter run/lora --out run/lora.gguf"
        })
final class ConvertCommand implements Callable<Integer> {
    @Mixin
    ModelOptions modelOptions = new ModelOptions();

    @Option(
            names = "--adapter",
            required = true,
            paramLabel = "DIR",
            description = "adapter to convert; or hub:ORG/NAME[@REVISION]")
    Place adapter = new Place("");

    @Option(names = "--rank", paramLabel = "R", description = "rank of every layer")
    int rank;

    @Option(
            names = "--energy",
            paramLabel = "E",
            description = "as many ranks of each layer as hold this share of its change (default: ${DEFAULT-VALUE})")
    double energy = 0.99;

    @Option(
            names = "--out",
            required = true,
            paramLabel = "DIR",
            description = "new directory of the adapter, or a file that ends in .gguf")
    Path out = Path.of("");

    @Option(names = "--overwrite", description = "replace the adapter that is in --out")
    boolean overwrite;

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        Given given = new Given(spec);
        if (String.valueOf(out.getFileName()).endsWith(".gguf")) {
            for (String option : List.of("--rank", "--energy")) {
                given.refuse(option, true, "a GGUF file, which has the adapter as it is");
            }
            if (Files.exists(out) && !overwrite) {
                throw new BadFileException(
                        out,
                        "a GGUF adapter was to be written here, and there is a file. Choose another name, or give --overwrite"
                                + " to replace it.");
            }
            if (given.has("--task")) {
                modelOptions.info(List.of(adapter.directory())); // says if the adapter is for another task
            }
            GgufAdapter.write(out, adapter.directory(), modelOptions.directory(), GgufType.F32);
            spec.commandLine().getOut().printf("GGUF adapter: %s%n", out);
            return 0;
        }
        given.refuse("--energy", given.has("--rank"), "--rank, which says how many ranks there are");
        modelOptions.info(List.of(adapter.directory())); // says if the adapter is for another task
        RunDirectory.requireApart(List.of(out), List.of(adapter.directory()));
        RunDirectory.whileTaken(out, List.of(out), overwrite, this::convert);
        return 0;
    }

    private void convert() throws IOException {
        Path directory = adapter.directory();
        try (Model model = modelOptions.open(List.of(directory));
                Adapter from = AdapterFiles.load(directory, model)) {
            LoraCombination.Result result = spec.commandLine().getParseResult().hasMatchedOption("--rank")
                    ? LoraConversion.byRank(model, from, rank)
                    : LoraConversion.byEnergy(model, from, energy);
            try (Adapter lora = result.adapter()) {
                AdapterFiles.save(out, model, lora);
                spec.commandLine()
                        .getOut()
                        .printf(
                                "LoRA adapter: %s%n%,d parameters (%s had %,d), relative error %.2e%n",
                                out,
                                lora.trainableCount(),
                                from.config().peftType(),
                                from.trainableCount(),
                                result.relativeError());
            }
        }
    }
}
