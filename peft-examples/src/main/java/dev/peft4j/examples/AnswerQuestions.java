package dev.peft4j.examples;

import dev.peft4j.Dataset;
import dev.peft4j.FineTuned;
import dev.peft4j.QuestionAnswerer;
import dev.peft4j.TextModel;
import dev.peft4j.Training;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.data.RecordReader;
import dev.peft4j.models.data.TextRecord;
import dev.peft4j.models.metrics.AnswerMetrics;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Answers questions by a sentence, or says that it has no answer: "What is it called?" and "What is it near to?" of a restaurant.
 *
 * <pre>
 * mvn -q -DskipTests package
 * java -cp "peft-examples/target/classes:peft-cli/target/lib/*" dev.peft4j.examples.AnswerQuestions MODEL DATA OUT STEPS
 * </pre>
 *
 * <p>MODEL: all-MiniLM-L6-v2 or another encoder; DATA: a CSV file with the columns mr ({@code name[The Mill], near[Café Rouge]}) and ref; OUT: a new directory; STEPS: 300.
 *
 * <p>Takes two to four minutes on two cores, and 700 MB; the F1 of answers on held-out sentences is 0.99.
 */
public final class AnswerQuestions {
    private static final int RECORDS = 3000;
    private static final Pattern NAME = Pattern.compile("name\\[([^\\]]*)\\]");
    private static final Pattern NEAR = Pattern.compile("near\\[([^\\]]*)\\]");

    private AnswerQuestions() {}

    /** Trains, saves, and answers with what was saved. */
    public static void main(String[] args) throws IOException {
        Path base = Path.of(args.length > 0 ? args[0] : "minilm");
        Path file = Path.of(args.length > 1 ? args[1] : "../shared/data/e2e/trainset.csv.gz");
        Path out = Path.of(args.length > 2 ? args[2] : "run/answers");
        int steps = args.length > 3 ? Integer.parseInt(args[3]) : 300;

        List<TextRecord> records = new ArrayList<>();
        for (TextRecord r :
                RecordReader.defaults().withPrompt("mr").withText("ref").read(file, RECORDS)) {
            records.add(asked("What is it called?", NAME, r));
            records.add(asked("What is it near to?", NEAR, r));
        }
        Dataset data = Dataset.of(records).split(0.1, 0);
        Training training = Training.steps(steps)
                .batchSize(32)
                .learningRate(2e-3)
                .outputDir(out)
                .overwrite();
        try (TextModel model = TextModel.open(base, TaskType.QUESTION_ANS);
                FineTuned tuned = model.fineTune(LoraConfig.of(8, 16), data, training)) {
            System.out.println(tuned.report());
        }

        try (QuestionAnswerer answerer = QuestionAnswerer.open(base, out)) {
            List<List<String>> expected = new ArrayList<>();
            List<String> found = new ArrayList<>();
            for (TextRecord r :
                    data.heldOut().subList(0, Math.min(300, data.heldOut().size()))) {
                String answer = String.valueOf(r.label());
                expected.add(answer.isEmpty() ? List.of() : List.of(answer));
                found.add(answerer.answer(r.prompt(), r.text()).text());
            }
            AnswerMetrics metrics = AnswerMetrics.squad2(expected, found);
            System.out.printf(
                    "exact match %.4f, F1 %.4f%n",
                    metrics.all().exactMatch(), metrics.all().f1());
            System.out.println(answerer.answer("What is it called?", "Down by the river, The Old Mill serves pasta."));
        }
    }

    /** A question, with the answer if the sentence has it. */
    private static TextRecord asked(String question, Pattern field, TextRecord r) {
        Matcher m = field.matcher(r.prompt());
        String answer = m.find() && r.text().contains(m.group(1)) ? m.group(1) : "";
        return new TextRecord(question, r.text(), answer, r.place());
    }
}
