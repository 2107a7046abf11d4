package dev.peft4j.cli;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.train.Evaluation;
import dev.peft4j.core.train.Evaluator;
import dev.peft4j.models.ModelInfo;
import dev.peft4j.models.TextTokenizer;
import dev.peft4j.models.data.Classes;
import dev.peft4j.models.data.Labels;
import dev.peft4j.models.data.TextRecord;
import dev.peft4j.run.TrainedAdapters;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Evaluates the base model and, beside it, an adapter on the same records. */
@Command(
        name = "eval",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Evaluates a model, and an adapter beside it, on a data file.",
        footer = {"", "Example:", "  peft4j eval --model DIR --adapter run/adapter --data test.jsonl"})
final class EvalCommand implements Callable<Integer> {
    @Mixin
    ModelOptions modelOptions = new ModelOptions();

    @Option(
            names = "--adapter",
            paramLabel = "DIR",
            converter = DirectoryConverter.class,
            description =
                    "adapter to evaluate beside the base model, or hub:ORG/NAME[@REVISION]; several act together in this order")
    List<Path> adapters = List.of();

    @Option(
            names = "--data",
            required = true,
            paramLabel = "FILE",
            description = "records: .jsonl, .csv or .tsv, also .gz")
    Path data = Path.of("");

    @Option(names = "--limit", paramLabel = "N", description = "evaluate on the first N records only")
    int limit;

    @Mixin
    DataOptions dataOptions = new DataOptions();

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        ModelInfo info = modelOptions.info();
        dataOptions.check(new Given(spec), info, List.of(data));
        List<TextRecord> read = dataOptions.read(data, limit);
        Classes.requireKnown(info, modelOptions.classes, adapters, read);
        Labels labels = Classes.of(info, modelOptions.classes, adapters, read);
        try (Model model = modelOptions.open(labels.outputs(), 0);
                TextTokenizer tokenizer = TextTokenizer.open(modelOptions.model, model.vocabularySize());
                TrainedAdapters held = new TrainedAdapters(ModelOptions.adapters(adapters, model))) {
            List<Adapter> active = held.all();
            int inFront = active.stream().mapToInt(Adapter::rowsInFront).sum();
            List<Example> records = dataOptions.encode(
                    String.valueOf(data.getFileName()), read, labels, inFront, model, tokenizer, out);
            boolean isNew = !model.newModules().isEmpty();
            if (isNew) {
                out.printf(
                        "  the checkpoint has no %s: its values are random%n", String.join(", ", model.newModules()));
            }
            print(out, isNew ? "random" : "base", Evaluator.evaluate(model, List.of(), records));
            if (!active.isEmpty()) {
                print(out, "tuned", Evaluator.evaluate(model, active, records));
            }
            new TaskMetrics(model, active, labels, out).print(records, read);
        }
        return 0;
    }

    private static void print(PrintWriter out, String name, Evaluation e) {
        out.printf(
                Locale.ROOT,
                "%-6s loss %.4f  %s %s  (%,d scored)%n",
                name,
                e.loss(),
                e.measureName(),
                e.measuredText(),
                e.count());
    }
}
