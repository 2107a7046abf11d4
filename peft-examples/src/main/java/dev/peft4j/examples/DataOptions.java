package dev.peft4j.examples;

import dev.peft4j.core.model.Model;
import dev.peft4j.models.TextTokenizer;
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
import picocli.CommandLine.Option;

/** How records are read and cut. */
final class DataOptions {
    @Option(
            names = "--prompt-column",
            paramLabel = "NAME",
            description = "column of a CSV or TSV file that is read but not scored")
    String promptColumn = "";

    @Option(
            names = "--text-column",
            paramLabel = "NAME",
            description = "column of the completion, or of the text to classify")
    String textColumn = "";

    @Option(names = "--label-column", paramLabel = "NAME", description = "column of the class, a whole number from 0")
    String labelColumn = "";

    @Option(
            names = "--columns",
            paramLabel = "A,B",
            description = "names of the columns of a file that has no header line")
    String columns = "";

    @Option(
            names = "--separator",
            paramLabel = "TEXT",
            description = "put between the prompt and completion columns; \\n is a line feed (default: \\n)")
    String separator = "\\n";

    @Option(
            names = "--max-length",
            paramLabel = "N",
            description =
                    "longer records are cut to this many tokens (default: the context of the model, less what adapters put in front)")
    int maxLength;

    @Option(
            names = "--shuffle",
            paramLabel = "SEED",
            description =
                    "take the records to train on that --limit allows from all over the file, in the order of this seed")
    @Nullable
    Long shuffle;

    /** Reads and encodes a file to train on; see {@link #read}. */
    RecordEncoder.Encoded readTraining(
            Path file, int limit, int inFront, Model model, TextTokenizer tokenizer, PrintWriter out)
            throws IOException {
        return read(file, limit, inFront, shuffle, model, tokenizer, out);
    }

    /**
     * Reads and encodes a file, and says how many records were cut.
     *
     * @param inFront places of the context that adapters take
     */
    RecordEncoder.Encoded read(Path file, int limit, int inFront, Model model, TextTokenizer tokenizer, PrintWriter out)
            throws IOException {
        return read(file, limit, inFront, null, model, tokenizer, out);
    }

    private RecordEncoder.Encoded read(
            Path file,
            int limit,
            int inFront,
            @Nullable Long order,
            Model model,
            TextTokenizer tokenizer,
            PrintWriter out)
            throws IOException {
        int context = model.contextLength() - inFront;
        if (context < 1) {
            throw new IllegalArgumentException("adapters take " + inFront + " tokens in front of each sequence, and the"
                    + " context of this model has " + model.contextLength() + ". Use fewer virtual tokens.");
        }
        if (maxLength < 0 || maxLength > context) {
            throw new IllegalArgumentException("--max-length " + maxLength + " was given; the context of this model is "
                    + model.contextLength() + " tokens"
                    + (inFront > 0 ? ", of which adapters take " + inFront : "") + ". Give at most " + context + ".");
        }
        List<String> header = columns.isEmpty() ? List.of() : Arrays.asList(columns.split(",", -1));
        RecordReader reader = new RecordReader(
                promptColumn,
                textColumn,
                labelColumn,
                header,
                separator.replace("\\n", "\n").replace("\\t", "\t"));
        int length = maxLength == 0 ? context : maxLength;
        RecordEncoder encoder = new RecordEncoder(tokenizer, model.taskType(), length);
        int most = limit == 0 ? Integer.MAX_VALUE : limit;
        List<TextRecord> records = new ArrayList<>(reader.read(file, order == null ? most : Integer.MAX_VALUE));
        if (order != null) {
            Collections.shuffle(records, new Random(order));
            records = records.subList(0, Math.min(most, records.size()));
        }
        RecordEncoder.Encoded encoded = encoder.encode(records);
        out.printf("%s: %,d records%n", file.getFileName(), encoded.sequences().size());
        if (encoded.cut() > 0) {
            out.printf(
                    "  %,d were longer than %d tokens and were cut; %,d of these had nothing left to score and were left out%n",
                    encoded.cut(), length, encoded.dropped());
        }
        return encoded;
    }
}
