package dev.peft4j.cli;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.train.Evaluation;
import dev.peft4j.core.train.Evaluator;
import dev.peft4j.models.ModelInfo;
import dev.peft4j.models.TextTokenizer;
import dev.peft4j.models.data.Classes;
import dev.peft4j.models.data.Labels;
import dev.peft4j.models.data.RecordEncoder;
import dev.peft4j.models.data.TextRecord;
import dev.peft4j.run.TaskScores;
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
        footer = {
            "",
            "Examples:",
            "  peft4j eval --model DIR --adapter run/adapter --data test.jsonl",
            "  peft4j eval --model DIR --adapter run/adapter --data test.csv --prompt-column question --text-column answer --generate 100"
        })
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
            description = "records: .jsonl, .csv or .tsv, also .gz, or .parquet")
    Path data = Path.of("");

    @Option(names = "--limit", paramLabel = "N", description = "evaluate on the first N records only")
    int limit;

    @Option(
            names = "--generate",
            paramLabel = "N",
            description =
                    "continue the prompts of the first N records, always by the most probable token, and compare with all texts behind these prompts: BLEU, ROUGE-L")
    int generate;

    @Option(
            names = "--max-new-tokens",
            paramLabel = "M",
            description = "most tokens of a text of --generate (default: ${DEFAULT-VALUE})")
    int maxNewTokens = 64;

    @Mixin
    DataOptions dataOptions = new DataOptions();

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        ModelInfo info = modelOptions.info();
        Given given = new Given(spec);
        given.refuse(
                "--generate",
                info.task() != TaskType.CAUSAL_LM,
                "a model for " + info.task() + ", which generates no texts");
        given.refuse(
                "--max-new-tokens", !given.has("--generate"), "an evaluation that generates no texts (--generate)");
        if (given.has("--generate") && generate < 1) {
            throw new BadInputException("texts of the prompts of the first " + generate
                    + " records were asked for (--generate); that takes at least 1. Change the setting.");
        }
        dataOptions.check(given, info, List.of(data));
        List<TextRecord> read = dataOptions.read(data, limit, info.task());
        Classes.requireKnown(info, modelOptions.classes, adapters, read);
        Labels labels = Classes.of(info, modelOptions.classes, adapters, read);
        try (Model model = modelOptions.open(labels, 0);
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
            RecordEncoder encoder = RecordEncoder.forModel(model, tokenizer, labels, inFront, dataOptions.maxLength);
            TaskScores scores = TaskScores.of(model, active, encoder, read);
            out.print(scores.isEmpty() ? "" : scores);
            if (generate > 0) {
                out.flush(); // what comes takes a while
                scores = TaskScores.generated(model, active, encoder, read, generate, maxNewTokens);
                out.printf("texts generated of %,d prompts:%n%s", scores.count(), scores);
            }
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
