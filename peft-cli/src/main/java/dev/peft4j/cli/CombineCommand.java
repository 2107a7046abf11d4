package dev.peft4j.cli;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.model.Model;
import dev.peft4j.lora.Combination;
import dev.peft4j.lora.LoraCombination;
import dev.peft4j.run.RunDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Makes one LoRA adapter of several. */
@Command(
        name = "combine",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Makes one LoRA adapter of a weighted sum of several, and tells how exact it is.",
        footer = {
            "",
            "Example:",
            "  peft4j combine --model DIR --adapter a --adapter b --weights 0.7,0.3 --type cat --out c"
        })
final class CombineCommand implements Callable<Integer> {
    @Mixin
    ModelOptions modelOptions = new ModelOptions();

    @Option(
            names = "--adapter",
            required = true,
            paramLabel = "DIR",
            description = "LoRA adapter, or hub:ORG/NAME[@REVISION]; give several")
    List<Place> adapters = List.of();

    @Option(
            names = "--weights",
            required = true,
            split = ",",
            paramLabel = "W",
            description = "one weight for each adapter, with commas")
    double[] weights = {};

    @Option(
            names = "--type",
            paramLabel = "RULE",
            description = "${COMPLETION-CANDIDATES}; cat and svd are exact (default: ${DEFAULT-VALUE})")
    Combination.Type type = Combination.Type.CAT;

    @Option(names = "--svd-rank", paramLabel = "R", description = "rank for the types that decompose")
    int rank;

    @Option(
            names = "--density",
            paramLabel = "D",
            description = "share of elements that the pruning types keep (default: ${DEFAULT-VALUE})")
    double density = 0.5;

    @Option(names = "--seed", paramLabel = "N", description = "of the dare types (default: ${DEFAULT-VALUE})")
    long seed;

    @Option(names = "--out", required = true, paramLabel = "DIR", description = "new directory of the adapter")
    Path out = Path.of("");

    @Option(names = "--overwrite", description = "replace an adapter that is in --out")
    boolean overwrite;

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        Given given = new Given(spec);
        given.refuse("--svd-rank", !type.decomposes(), "--type " + type + ", which keeps all ranks");
        given.refuse("--density", !type.prunes() && !type.drops(), "--type " + type + ", which leaves out nothing");
        given.refuse("--seed", !type.drops(), "--type " + type + ", which draws nothing");
        Combination rule = new Combination(type, rank, density, Combination.Majority.TOTAL, seed);
        List<Path> directories = Place.directories(adapters);
        modelOptions.info(directories); // says if one is for another task
        RunDirectory.requireApart(List.of(out), directories);
        RunDirectory.whileTaken(out, List.of(out), overwrite, () -> combine(rule, directories));
        return 0;
    }

    private void combine(Combination rule, List<Path> directories) throws IOException {
        List<Adapter> all = new ArrayList<>();
        try (Model model = modelOptions.open(directories)) {
            for (Path p : directories) {
                all.add(AdapterFiles.load(p, model));
            }
            LoraCombination.Result result = LoraCombination.combine(model, all, weights, rule);
            try (Adapter sum = result.adapter()) {
                AdapterFiles.save(out, model, sum);
            }
            spec.commandLine()
                    .getOut()
                    .printf(
                            "combined adapter: %s%n%s of the weighted sum: relative error %.2e%n",
                            out, type.isExact() ? "exact type" : "approximation", result.relativeError());
        } finally {
            all.forEach(Adapter::close);
        }
    }
}
