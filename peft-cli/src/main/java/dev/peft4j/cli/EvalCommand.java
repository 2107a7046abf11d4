package dev.peft4j.cli;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.train.Evaluation;
import dev.peft4j.core.train.Evaluator;
import dev.peft4j.core.train.Objective;
import dev.peft4j.models.ModelInfo;
import dev.peft4j.models.ModelInput;
import dev.peft4j.models.data.Classes;
import dev.peft4j.models.data.Labels;
import dev.peft4j.models.data.RecordEncoder;
import dev.peft4j.models.data.Split;
import dev.peft4j.models.data.TextRecord;
import dev.peft4j.run.TaskScores;
import dev.peft4j.run.TrainedAdapters;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
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
            "  peft4j eval --model DIR --adapter run/adapter --data test.csv --prompt-column question --text-column answer --generate 100",
            "  peft4j eval --model DIR --adapter run/adapter --form chat --data chats.jsonl"
        })
final class EvalCommand implements Callable<Integer> {
    @Mixin
    ModelOptions modelOptions = new ModelOptions();

    @Option(
            names = "--adapter",
            paramLabel = "DIR",
            description =
                    "adapter to evaluate beside the base model, or hub:ORG/NAME[@REVISION]; several act together in this order")
    List<Place> adapters = List.of();

    @Option(
            names = "--data",
            required = true,
            paramLabel = "FILE",
            description =
                    "records: .jsonl, .csv or .tsv, also .gz, or .parquet; of images a folder of classes, such a table, or a file of CIFAR or MNIST")
    Path data = Path.of("");

    @Option(
            names = "--form",
            paramLabel = "FORM",
            description =
                    "what the records are: ${COMPLETION-CANDIDATES}; dpo, orpo and kto have the loss of that training (default: ${DEFAULT-VALUE})")
    TrainingRecords.Form form = TrainingRecords.Form.RECORDS;

    @Mixin
    AnswerOptions answerOptions = new AnswerOptions();

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
        Given given = new Given(spec);
        Objective objective = answerOptions.objective(form);
        DataOptions.check(given, form);
        boolean texts = form == TrainingRecords.Form.RECORDS;
        given.refuse("--generate", !texts, "--form " + form + ", whose records are not continued");
        List<Path> directories = Place.directories(adapters);
        ModelInfo info = modelOptions.info(directories);
        form.requireFit(info);
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
        List<TextRecord> read = texts ? dataOptions.read(data, limit, info.task()) : List.of();
        TrainingRecords records = texts
                ? TrainingRecords.of(new Split(read, List.of()), false, dataOptions)
                : TrainingRecords.read(form, TrainingRecords.Source.whole(data, limit), dataOptions, answerOptions);
        Classes.requireKnown(info, modelOptions.classes, directories, read);
        Labels labels = records.labels(info, modelOptions.classes, directories);
        try (Model model = modelOptions.open(info.task(), labels, info.newHead(null, directories), 0);
                ModelInput input = ModelInput.open(modelOptions.directory(), model);
                TrainedAdapters held = new TrainedAdapters(ModelOptions.adapters(directories, model))) {
            List<Adapter> active = held.all();
            int inFront = active.stream().mapToInt(Adapter::rowsInFront).sum();
            List<Example> examples = records.encode(
                    String.valueOf(data.getFileName()),
                    false,
                    new TrainingRecords.Use(model, input, labels, inFront, out));
            boolean isNew = !model.newModules().isEmpty();
            if (isNew) {
                out.printf(
                        "  the checkpoint has no %s: its values are random%n", String.join(", ", model.newModules()));
            }
            print(out, isNew ? "random" : "base", evaluate(model, List.of(), objective, examples));
            if (!active.isEmpty()) {
                print(out, "tuned", evaluate(model, active, objective, examples));
            }
            if (!texts) {
                return 0;
            }
            RecordEncoder encoder = RecordEncoder.forModel(model, input, labels, inFront, dataOptions.maxLength);
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

    private static Evaluation evaluate(
            Model model, List<Adapter> active, @Nullable Objective objective, List<Example> examples) {
        return objective == null
                ? Evaluator.evaluate(model, active, examples)
                : Evaluator.evaluate(model, active, objective, examples);
    }

    private static void print(PrintWriter out, String name, Evaluation e) {
        out.printf(
                Locale.ROOT,
                "%-6s loss %.4f  %s %s  (%s)%n",
                name,
                e.loss(),
                e.measureName(),
                e.measuredText(),
                e.countText());
    }
}
