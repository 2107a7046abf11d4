package dev.peft4j.examples;

import dev.peft4j.Dataset;
import dev.peft4j.FineTuned;
import dev.peft4j.TextClassifier;
import dev.peft4j.TextModel;
import dev.peft4j.Training;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.data.RecordReader;
import java.io.IOException;
import java.nio.file.Path;

/**
 * Says whether a Korean review likes a film, on NSMC, a table with the columns id, document and label.
 *
 * <pre>
 * mvn -q -DskipTests package
 * java -cp "peft-examples/target/classes:peft-cli/target/lib/*" dev.peft4j.examples.KoreanSentiment MODEL DATA HELD_OUT OUT EPOCHS
 * </pre>
 *
 * <p>MODEL: an encoder that reads Korean, such as XLM-RoBERTa; DATA, HELD_OUT: TSV files of NSMC; OUT: a new directory; EPOCHS: 1.
 *
 * <p>An English MiniLM, which reads Korean letter by letter, reaches above 60 % in four to eight minutes on two cores; a random answer is right half of the time.
 */
public final class KoreanSentiment {
    private KoreanSentiment() {}

    /** Trains, saves, and classifies with what was saved. */
    public static void main(String[] args) throws IOException {
        Path base = Path.of(args.length > 0 ? args[0] : "minilm");
        Path file = Path.of(args.length > 1 ? args[1] : "../shared/data/nsmc/train_20k.tsv.gz");
        Path heldOut = Path.of(args.length > 2 ? args[2] : "../shared/data/nsmc/test_5k.tsv.gz");
        Path out = Path.of(args.length > 3 ? args[3] : "run/korean");
        double epochs = args.length > 4 ? Double.parseDouble(args[4]) : 1;

        RecordReader columns = RecordReader.defaults().withText("document").withLabel("label");
        Dataset data = Dataset.read(file, columns)
                .limit(8000)
                .heldOut(Dataset.read(heldOut, columns).limit(1000));
        Training training = Training.epochs(epochs).batchSize(32).outputDir(out).overwrite();
        try (TextModel model = TextModel.open(base);
                FineTuned tuned = model.fineTune(LoraConfig.of(8, 16), data, training)) {
            System.out.println(tuned.report());
        }
        try (TextClassifier classifier = TextClassifier.open(base, out)) {
            System.out.println(classifier.classify("정말 재미있는 영화였어요"));
        }
    }
}
