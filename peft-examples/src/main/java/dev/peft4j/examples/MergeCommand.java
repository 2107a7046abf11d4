package dev.peft4j.examples;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.model.MergedModel;
import dev.peft4j.core.model.Model;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
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
    @Mixin
    ModelOptions modelOptions = new ModelOptions();

    @Option(names = "--adapter", required = true, paramLabel = "DIR", description = "adapter to merge")
    Path adapter = Path.of("");

    @Option(names = "--out", required = true, paramLabel = "DIR", description = "new directory of the merged model")
    Path out = Path.of("");

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        MergedModel.checkOutput(out);
        try (Model model = modelOptions.open(0);
                Adapter a = AdapterFiles.load(adapter, model)) {
            MergedModel.write(out, model, a);
        }
        PrintWriter console = spec.commandLine().getOut();
        console.println("merged model: " + out);
        return 0;
    }
}
