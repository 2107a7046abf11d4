package dev.peft4j.examples;

import dev.peft4j.Dataset;
import dev.peft4j.FineTuned;
import dev.peft4j.TextEncoder;
import dev.peft4j.TextModel;
import dev.peft4j.Training;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.data.RecordReader;
import dev.peft4j.models.data.TextRecord;
import dev.peft4j.models.metrics.Retrieval;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Finds sentences by what they say: an encoder learns pairs of what is known of a restaurant and a sentence about it, with the other pairs of a batch as wrong answers.
 *
 * <pre>
 * mvn -q -DskipTests package
 * java -cp "peft-examples/target/classes:peft-cli/target/lib/*" dev.peft4j.examples.SearchByMeaning MODEL DATA OUT STEPS
 * </pre>
 *
 * <p>MODEL: all-MiniLM-L6-v2 or another encoder; DATA: a CSV file with the columns mr and ref; OUT: a new directory; STEPS: 150.
 *
 * <p>Takes two to three minutes on two cores, and 800 MB; recall@1 among 500 held-out sentences rises from 0.47 to 0.81.
 */
public final class SearchByMeaning {
    private static final int HELD_OUT = 500;

    private SearchByMeaning() {}

    /** Compares the base with what was trained. */
    public static void main(String[] args) throws IOException {
        Path base = Path.of(args.length > 0 ? args[0] : "minilm");
        Path file = Path.of(args.length > 1 ? args[1] : "../shared/data/e2e/trainset.csv.gz");
        Path out = Path.of(args.length > 2 ? args[2] : "run/search");
        int steps = args.length > 3 ? Integer.parseInt(args[3]) : 150;

        List<TextRecord> pairs = new ArrayList<>(); // of each restaurant one, or a batch would have two right answers
        Set<String> known = new HashSet<>();
        for (TextRecord r :
                RecordReader.defaults().withPrompt("mr").withText("ref").read(file)) {
            if (known.add(r.prompt())) {
                pairs.add(r);
            }
        }
        int held = Math.min(HELD_OUT, pairs.size() / 2);
        Dataset heldOut = Dataset.of(pairs.subList(0, held));
        Dataset data = Dataset.of(pairs.subList(held, pairs.size())).heldOut(heldOut);
        Training training = Training.steps(steps)
                .batchSize(32)
                .learningRate(1e-3)
                .outputDir(out)
                .overwrite();
        try (TextModel model = TextModel.open(base, TaskType.FEATURE_EXTRACTION);
                FineTuned tuned = model.fineTune(LoraConfig.of(8, 16), data, training);
                TextEncoder before = model.encoder();
                TextEncoder after = tuned.encoder()) {
            System.out.println(tuned.report());
            System.out.printf("recall@1: %.4f, tuned %.4f%n", recall(before, heldOut), recall(after, heldOut));
        }
    }

    private static double recall(TextEncoder encoder, Dataset pairs) {
        List<float[]> queries = encoder.encode(
                pairs.train().stream().map(r -> r.prompt().strip()).toList());
        List<float[]> answers =
                encoder.encode(pairs.train().stream().map(TextRecord::text).toList());
        double[][] similarity = new double[queries.size()][answers.size()];
        int[] relevant = new int[queries.size()];
        for (int i = 0; i < similarity.length; i++) {
            relevant[i] = i;
            for (int j = 0; j < answers.size(); j++) {
                similarity[i][j] = TextEncoder.similarity(queries.get(i), answers.get(j));
            }
        }
        return Retrieval.of(similarity, relevant).recallAt(1);
    }
}
