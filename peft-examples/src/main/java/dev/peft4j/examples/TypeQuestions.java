package dev.peft4j.examples;

import dev.peft4j.Dataset;
import dev.peft4j.FineTuned;
import dev.peft4j.TextClassifier;
import dev.peft4j.TextModel;
import dev.peft4j.Training;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.data.TextRecord;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPInputStream;

/**
 * Says what a question asks for: a description, an entity, a human, a location, a number or an abbreviation. The records are made by the application, of a file
 * that no reader knows: {@code LOC:city What is the capital of Yugoslavia ?}.
 *
 * <pre>
 * mvn -q -DskipTests package
 * java -cp "peft-examples/target/classes:peft-cli/target/lib/*" dev.peft4j.examples.TypeQuestions MODEL DATA HELD_OUT OUT EPOCHS
 * </pre>
 *
 * <p>MODEL: all-MiniLM-L6-v2 or another encoder; DATA, HELD_OUT: files of TREC; OUT: a new directory; EPOCHS: 1.
 *
 * <p>Takes one to two minutes on two cores, and 700 MB; the accuracy on the held-out questions is about 90 %.
 */
public final class TypeQuestions {
    private TypeQuestions() {}

    /** Trains, saves, and types a question with what was saved. */
    public static void main(String[] args) throws IOException {
        Path base = Path.of(args.length > 0 ? args[0] : "minilm");
        Path file = Path.of(args.length > 1 ? args[1] : "../shared/data/trec/TREC.train.raw.gz");
        Path heldOut = Path.of(args.length > 2 ? args[2] : "../shared/data/trec/TREC.test.raw.gz");
        Path out = Path.of(args.length > 3 ? args[3] : "run/questions");
        double epochs = args.length > 4 ? Double.parseDouble(args[4]) : 1;

        Dataset data = Dataset.of(records(file)).heldOut(Dataset.of(records(heldOut)));
        Training training = Training.epochs(epochs).batchSize(32).outputDir(out).overwrite();
        try (TextModel model = TextModel.open(base);
                FineTuned tuned = model.fineTune(LoraConfig.of(8, 16), data, training)) {
            System.out.println(tuned.report());
        }
        try (TextClassifier classifier = TextClassifier.open(base, out)) {
            System.out.println(classifier.classify("How many legs does a spider have ?"));
        }
    }

    private static List<TextRecord> records(Path file) throws IOException {
        try (BufferedReader reader = new BufferedReader(
                new InputStreamReader(new GZIPInputStream(Files.newInputStream(file)), StandardCharsets.ISO_8859_1))) {
            return reader.lines()
                    .filter(line -> !line.isBlank())
                    .map(line -> new TextRecord(
                            "", line.substring(line.indexOf(' ') + 1).strip(), line.substring(0, line.indexOf(':'))))
                    .toList();
        }
    }
}
