package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.Dataset;
import dev.peft4j.FineTuned;
import dev.peft4j.TextEncoder;
import dev.peft4j.TextModel;
import dev.peft4j.Training;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.train.Evaluation;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.data.TextRecord;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What pairs of texts are compared with, in training and evaluation. */
class PairsTest {
    private static final LoraConfig LORA = LoraConfig.of(4, 8);

    @TempDir
    Path dir;

    private Path base;

    @BeforeEach
    void write() throws IOException {
        base = TinyModels.bert(dir.resolve("base"));
    }

    /** Pairs of different lengths. */
    private static List<TextRecord> pairs(int count) {
        List<String> words = List.of("good", "bad", "fine", "poor", "film", "book", "the", "a");
        List<TextRecord> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            String first = words.get(i % 8) + " was " + words.get(i / 8 % 8) + " very".repeat(i % 5);
            all.add(new TextRecord(first, words.get(i / 64 % 8) + " is " + words.get(i % 8), null));
        }
        return all;
    }

    private Evaluation base(List<TextRecord> heldOut, int batchSize) throws IOException {
        Dataset data = Dataset.of(pairs(4)).heldOut(Dataset.of(heldOut));
        try (TextModel model = TextModel.open(base, TaskType.FEATURE_EXTRACTION);
                FineTuned tuned = model.fineTune(LORA, data, Training.steps(1).batchSize(batchSize))) {
            return Objects.requireNonNull(tuned.report().base());
        }
    }

    @Test
    void they_are_evaluated_in_groups_of_their_number_whatever_the_batch_is() throws IOException {
        List<TextRecord> heldOut = pairs(65); // groups of 32 and 33
        Evaluation found = base(heldOut, 2);
        assertEquals(found, base(heldOut, 4));
        double sum = 0;
        int right = 0;
        try (TextModel model = TextModel.open(base, TaskType.FEATURE_EXTRACTION);
                TextEncoder encoder = model.encoder()) {
            for (List<TextRecord> group : List.of(heldOut.subList(0, 32), heldOut.subList(32, 65))) {
                List<float[]> asked =
                        encoder.encode(group.stream().map(TextRecord::prompt).toList());
                List<float[]> answers =
                        encoder.encode(group.stream().map(TextRecord::text).toList());
                for (int i = 0; i < group.size(); i++) {
                    double all = 0;
                    int best = 0;
                    double[] s = new double[group.size()];
                    for (int j = 0; j < s.length; j++) {
                        s[j] = TextEncoder.similarity(asked.get(i), answers.get(j)) / 0.05;
                        all += Math.exp(s[j]);
                        best = s[j] > s[best] ? j : best;
                    }
                    sum += Math.log(all) - s[i];
                    right += best == i ? 1 : 0;
                }
            }
        }
        assertEquals(65, found.count());
        assertEquals(sum / 65, found.loss(), 1e-4);
        assertEquals(right / 65.0, found.accuracy(), 2.5 / 65, "but for texts that are alike");
    }

    @Test
    void one_that_would_be_compared_with_nothing_is_refused() throws IOException {
        refused(Dataset.of(pairs(1)).split(0, 0), 8, "at least 2, better hundreds");
        refused(Dataset.of(pairs(4)).split(0, 0), 1, "in batches of 1");
        refused(Dataset.of(pairs(4)).heldOut(Dataset.of(pairs(1))), 8, "its loss is 0");
    }

    private void refused(Dataset data, int batchSize, String says) throws IOException {
        try (TextModel model = TextModel.open(base, TaskType.FEATURE_EXTRACTION)) {
            Training training = Training.steps(1).batchSize(batchSize);
            String message = assertThrows(BadInputException.class, () -> model.fineTune(LORA, data, training)
                            .close())
                    .getMessage();
            assertTrue(message.contains(says), message);
        }
    }

    @Test
    void a_last_one_joins_the_batch_before_it_and_makes_no_step() throws IOException {
        try (TextModel model = TextModel.open(base, TaskType.FEATURE_EXTRACTION);
                FineTuned tuned = model.fineTune(
                        LORA,
                        Dataset.of(pairs(9)).split(0, 0),
                        Training.epochs(3).batchSize(4))) {
            assertEquals(6, tuned.report().result().steps());
            assertTrue(tuned.report().result().tokens() > 0);
        }
    }
}
