package dev.peft4j.cli;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.compose.MergeReport;
import dev.peft4j.core.compose.MergedAdapter;
import dev.peft4j.core.compose.MergedModel;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.model.Model;
import dev.peft4j.models.data.Classes;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Merges an adapter into its base. */
@Command(
        name = "merge",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Merges an adapter into the base model and writes a plain Hugging Face directory.",
        footer = {"", "Example:", "  peft4j merge --model DIR --adapter run/adapter --out run/merged"})
final class MergeCommand implements Callable<Integer> {
    private static final int PROBE_SEQUENCES = 4;
    private static final int PROBE_LENGTH = 16;

    @Mixin
    ModelOptions modelOptions = new ModelOptions();

    @Option(
            names = "--adapter",
            required = true,
            paramLabel = "DIR",
            description = "adapter to merge; or hub:ORG/NAME[@REVISION]")
    Place adapter = new Place("");

    @Option(names = "--out", required = true, paramLabel = "DIR", description = "new directory of the merged model")
    Path out = Path.of("");

    @Spec
    CommandSpec spec = CommandSpec.create();

    /** A few sequences of tokens from all over the vocabulary. */
    private static PackedBatch probe(Model model) {
        int length = Math.min(PROBE_LENGTH, model.contextLength());
        int[][] ids = new int[PROBE_SEQUENCES][length];
        for (int s = 0; s < ids.length; s++) {
            for (int i = 0; i < length; i++) {
                ids[s][i] = (int) (((s * length + i) * 7919L + 13) % model.vocabularySize());
            }
        }
        return PackedBatch.of(ids);
    }

    @Override
    public Integer call() throws IOException {
        MergedModel.checkOutput(out);
        Path from = adapter.directory();
        try (Model model = modelOptions.open(List.of(from));
                Adapter a = AdapterFiles.load(from, model)) {
            PrintWriter console = spec.commandLine().getOut();
            try (MergedAdapter merged = MergedAdapter.of(model, List.of(a))) {
                MergeReport report = merged.report(model, List.of(a), probe(model));
                MergedModel.write(out, model, merged, Classes.saved(from));
                console.printf(
                        "merged model: %s%n%d tensors replaced; on a probe batch the adapter changes a logit by up to %.3g, merging by %.1e (relative %.1e)%n",
                        out,
                        report.weights(),
                        report.effect(),
                        report.largestDifference(),
                        report.relativeDifference());
            }
        }
        return 0;
    }
}
