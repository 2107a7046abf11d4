package dev.peft4j.cli;

import dev.peft4j.core.data.Example;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.models.ModelInfo;
import dev.peft4j.models.ModelInput;
import dev.peft4j.models.data.Labels;
import dev.peft4j.models.data.RecordEncoder;
import dev.peft4j.models.data.RecordReader;
import dev.peft4j.models.data.TextRecord;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How records are read and cut. */
final class DataOptions {
    @Option(
            names = "--prompt-column",
            paramLabel = "NAME",
            description =
                    "column or JSON key of the text that is read but not scored, of the question, or of the first of two texts (default: the usual ones of the task)")
    String promptColumn = "";

    @Option(
            names = "--text-column",
            paramLabel = "NAME",
            description =
                    "column or JSON key of the completion, or of the text to classify (default: the usual ones of the task)")
    String textColumn = "";

    @Option(
            names = "--label-column",
            paramLabel = "NAME",
            description =
                    "column or JSON key of the class, a name or a number; of a list of labels, tags or answers (default: the usual ones of the task)")
    String labelColumn = "";

    @Option(
            names = "--columns",
            paramLabel = "A,B",
            description = "names of the columns of a file that has no header line")
    String columns = "";

    @Option(
            names = "--separator",
            paramLabel = "TEXT",
            description =
                    "put between the prompt and completion that were named, or are columns; \\n is a line feed (default: \\n)")
    String separator = "\\n";

    @Option(
            names = "--max-length",
            paramLabel = "N",
            description =
                    "longer records are cut to this many tokens (default: the context of the model, less what adapters put in front;"
                            + " for vectors at most max_seq_length of sentence_bert_config.json)")
    int maxLength;

    @Option(
            names = "--shuffle",
            paramLabel = "SEED",
            description =
                    "take the records to train on that --limit allows from all over the file, in the order of this seed")
    @Nullable
    Long shuffle;

    @Mixin
    ImageOptions imageOptions = new ImageOptions();

    /** Reads the records to train on. */
    List<TextRecord> readTraining(Path file, int limit, TaskType task) throws IOException {
        Long order = shuffle;
        if (order == null) {
            return read(file, limit, task);
        }
        List<TextRecord> records = new ArrayList<>(read(file, 0, task));
        Collections.shuffle(records, new Random(order));
        return records.subList(0, Math.min(most(limit), records.size()));
    }

    /** Reads the first records of a file. */
    List<TextRecord> read(Path file, int limit, TaskType task) throws IOException {
        return task == TaskType.IMAGE_CLS
                ? imageOptions.read(file, textColumn, labelColumn, most(limit))
                : reader(task).read(file, most(limit));
    }

    static int most(int limit) {
        if (limit < 0) {
            throw new BadInputException("a limit of " + limit + " records was given; it is at least 1, or 0 for"
                    + " all. Change the setting.");
        }
        return limit == 0 ? Integer.MAX_VALUE : limit;
    }

    private RecordReader reader(TaskType task) {
        List<String> header = columns.isEmpty() ? List.of() : Arrays.asList(columns.split(",", -1));
        return RecordReader.defaults()
                .withTask(task)
                .withPrompt(promptColumn)
                .withText(textColumn)
                .withLabel(labelColumn)
                .withHeader(header)
                .withSeparator(separator.replace("\\n", "\n").replace("\\t", "\t"));
    }

    /** Whether chance changes images that are trained on. */
    boolean isVaried() {
        return !imageOptions.augment.isEmpty();
    }

    /** Refuses options that mean nothing to a model or to the files of its records. */
    void check(Given given, ModelInfo model, List<Path> files) {
        boolean labels = model.task().classifies() || model.task() == TaskType.QUESTION_ANS;
        boolean alone = model.task() == TaskType.TOKEN_CLS || model.task() == TaskType.MASKED_LM;
        given.refuse("--label-column", !labels, "a " + model.modelType() + " model, which learns no labels");
        given.refuse("--prompt-column", alone, "a model for " + model.task() + ", whose records have one text");
        given.refuse(
                "--separator",
                model.task() != TaskType.CAUSAL_LM,
                "a model for " + model.task() + ", which does not join texts");
        boolean images = model.task() == TaskType.IMAGE_CLS;
        for (String option : List.of("--prompt-column", "--max-length", "--columns")) {
            given.refuse(option, images, "a model of images, whose records are no texts");
        }
        given.refuse("--augment", !images, "a model of texts, whose records chance does not change");
        given.refuse("--label-file", !images, "a model of texts, whose records have their labels");
        boolean tables = images || files.stream().anyMatch(RecordReader::isTable);
        given.refuse("--columns", !tables, "records of JSONL or Parquet, which name their keys themselves");
        given.refuse(
                "--separator",
                !tables && promptColumn.isEmpty(),
                "records of JSONL or Parquet whose prompt was not named, which are taken as they are");
    }

    /** Refuses options that say how texts are read, where records are of a form that says so itself. */
    static void check(Given given, TrainingRecords.Form form) {
        for (String option : List.of(
                "--prompt-column", "--text-column", "--label-column", "--columns", "--separator", "--shuffle")) {
            given.refuse(
                    option,
                    form != TrainingRecords.Form.RECORDS,
                    "--form " + form + ", whose records are read by their own keys and in their order");
        }
    }

    /**
     * Encodes records, and says how many were cut.
     *
     * @param name of their file
     * @param isTrained whether they are trained on
     * @param inFront places of the context that adapters take
     */
    List<Example> encode(
            String name,
            boolean isTrained,
            List<TextRecord> records,
            Labels labels,
            int inFront,
            Model model,
            ModelInput input,
            PrintWriter out) {
        ModelInput read = isTrained ? imageOptions.varied(input) : input;
        RecordEncoder encoder = RecordEncoder.forModel(model, read, labels, inFront, maxLength);
        RecordEncoder.Encoded encoded = encoder.encode(records);
        out.printf("%s: %,d records%n", name, records.size() - encoded.dropped());
        if (encoded.cut() + encoded.dropped() > 0) {
            out.printf(
                    "  %,d were longer than %d tokens and were cut%s; %,d had nothing left to score and were left out%n",
                    encoded.cut(),
                    encoder.maxLength(),
                    encoder.task() == TaskType.QUESTION_ANS ? " into parts that overlap" : "",
                    encoded.dropped());
        }
        return encoded.examples();
    }
}
