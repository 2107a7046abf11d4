package dev.peft4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.Dataset;
import dev.peft4j.FineTuned;
import dev.peft4j.Prediction;
import dev.peft4j.TextClassifier;
import dev.peft4j.TextModel;
import dev.peft4j.Training;
import dev.peft4j.core.format.Json;
import dev.peft4j.lora.LoraConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Records in the forms that docs/MODELS.md gives are trained without a word about their keys. */
class TaskRecordsTest {
    @TempDir
    Path dir;

    private final CommandFixture cli = new CommandFixture();

    private Path file(String name, String... lines) throws IOException {
        List<String> quoted = new ArrayList<>();
        for (String line : lines) {
            quoted.add(line.replace('\'', '"'));
        }
        return Files.write(dir.resolve(name), quoted);
    }

    private String train(Path model, String task, Path data, Object... more) {
        List<Object> all = new ArrayList<>(List.of("train", "--model", model, "--task", task, "--data", data));
        all.addAll(List.of(more));
        return cli.works(all.toArray());
    }

    @Test
    void lists_of_labels_are_several_labels_from_training_to_the_merged_model() throws IOException {
        Path bert = TinyBert.write(dir.resolve("bert"));
        Path data = file(
                "several.jsonl",
                "{'text':'the good film','labels':['DESC','odd']}",
                "{'text':'a bad book','labels':[]}",
                "{'text':'very fine','labels':['ABBR','odd','NUM']}",
                "{'text':'the book was poor','labels':['NUM']}");
        Path out = dir.resolve("several");
        String said = train(bert, "seq-cls", data, "--eval-data", data, "--classes", 4, "--out", out, "--steps", 3);
        assertTrue(said.contains("4 labels, of which a record has any number: ABBR 1 (25.0 %), DESC 1"), said);
        said = cli.works("eval", "--model", bert, "--task", "seq-cls", "--data", data, "--adapter", out);
        assertTrue(said.contains("tuned") && said.contains("(4 scored)"), said);
        String tuned =
                said.lines().filter(l -> l.startsWith("tuned")).findFirst().orElse("");
        Path merged = dir.resolve("merged");
        cli.works("merge", "--model", bert, "--adapter", out, "--out", merged);
        Map<String, Object> config = Json.read(merged.resolve("config.json"));
        assertEquals("multi_label_classification", config.get("problem_type"));
        assertEquals(Map.of("0", "ABBR", "1", "DESC", "2", "NUM", "3", "odd"), config.get("id2label"));
        said = cli.works("eval", "--model", merged, "--data", data);
        String loss = tuned.replaceAll(".*(loss [0-9.]+).*", "$1");
        assertTrue(said.contains(loss), () -> tuned);
        Path all = dir.resolve("all");
        train(
                bert,
                "seq-cls",
                data,
                "--eval-data",
                data,
                "--classes",
                4,
                "--method",
                "full",
                "--out",
                all,
                "--steps",
                1);
        config = Json.read(all.resolve("config.json"));
        assertEquals("multi_label_classification", config.get("problem_type"));
        assertEquals(Map.of("0", "ABBR", "1", "DESC", "2", "NUM", "3", "odd"), config.get("id2label"));
        Path mixed = file("mixed.jsonl", "{'text':'a','labels':['x']}", "{'text':'b','labels':'y'}");
        cli.fails(
                "line 2: the label y is no list",
                "train",
                "--model",
                bert,
                "--data",
                mixed,
                "--out",
                dir.resolve("no"));
    }

    @Test
    void in_java_lists_are_several_labels_too() throws IOException {
        Path bert = TinyBert.write(dir.resolve("bert"));
        Path data = file(
                "several.jsonl",
                "{'text':'the good film','labels':['DESC','odd']}",
                "{'text':'very fine','labels':['ABBR','odd']}",
                "{'text':'a bad book','labels':[]}");
        Path saved = dir.resolve("saved");
        Prediction said;
        try (TextModel model = TextModel.open(bert);
                FineTuned tuned = model.fineTune(
                        LoraConfig.of(4, 8),
                        Dataset.read(data).split(0, 0),
                        Training.steps(3).learningRate(2e-2));
                TextClassifier classifier = tuned.classifier()) {
            assertEquals(List.of("ABBR", "DESC", "odd"), classifier.labels());
            said = classifier.classify("very fine");
            tuned.save(saved);
            tuned.saveMerged(dir.resolve("merged"));
        }
        double sum = said.scores().values().stream().mapToDouble(p -> p).sum();
        assertTrue(Math.abs(sum - 1) > 1e-3, () -> "each label has a probability of its own: " + sum);
        try (TextClassifier again = TextClassifier.open(bert, saved);
                TextClassifier merged = TextClassifier.open(dir.resolve("merged"))) {
            assertEquals(said.scores(), again.classify("very fine").scores());
            said.scores()
                    .forEach((label, p) -> assertEquals(
                            p, merged.classify("very fine").scores().getOrDefault(label, -1.0), 1e-4));
        }
    }

    @Test
    void usual_keys_need_no_options() throws IOException {
        Path bert = TinyBert.write(dir.resolve("bert"));
        Path tags = file("tags.jsonl", "{'words':['a','good','film'],'ner_tags':['O','B-X','I-X']}");
        Path squad = file(
                "squad.jsonl",
                "{'question':'was it','context':'the film was good','answers':{'text':['good'],'answer_start':[13]}}",
                "{'prompt':'was it','text':'the film was good','answer':'film'}");
        Path pairs = file("pairs.csv", "query,positive", "good,the film", "bad,a book");
        Path nli = file(
                "nli.jsonl",
                "{'premise':'a film','hypothesis':'a book','label':0}",
                "{'premise':'the book','hypothesis':'a book','label':1}",
                "{'prompt':'the book','text':'a film','label':2}");
        Map<Path, String> tasks =
                Map.of(tags, "token-cls", squad, "question-ans", pairs, "feature-extraction", nli, "seq-cls");
        for (Map.Entry<Path, String> t : tasks.entrySet()) {
            Path data = t.getKey();
            Object[] more = {"--eval-data", data, "--out", dir.resolve(t.getValue()), "--steps", 1};
            train(bert, t.getValue(), data, more);
            cli.works("eval", "--model", bert, "--task", t.getValue(), "--data", data);
        }
        cli.fails(
                "records for TOKEN_CLS have (tokens|words, tags|ner_tags|labels",
                "train",
                "--model",
                bert,
                "--task",
                "token-cls",
                "--data",
                squad,
                "--out",
                dir.resolve("no"));
    }

    @Test
    void a_tenth_of_few_pairs_or_ratings_is_none() throws IOException {
        Path bert = TinyBert.write(dir.resolve("bert"));
        String[] lines = IntStream.range(0, 12)
                .mapToObj(i -> "{'anchor':'good " + "a ".repeat(i) + "','positive':'the film'}")
                .toArray(String[]::new);
        Path pairs = file("pairs.jsonl", lines);
        String said = train(bert, "feature-extraction", pairs, "--out", dir.resolve("pairs"), "--steps", 1);
        assertTrue(said.contains("12 records") && !said.contains("held out, a tenth"), said);
        Path one = file("one.jsonl", lines[0]);
        cli.fails(
                "one pair of texts was to be evaluated",
                "train",
                "--model",
                bert,
                "--task",
                "feature-extraction",
                "--data",
                pairs,
                "--eval-data",
                one,
                "--out",
                dir.resolve("no"));
        Path model = DemoModel.unpack(dir.resolve("model"));
        Path ratings = file(
                "ratings.jsonl",
                IntStream.range(0, 12)
                        .mapToObj(
                                i -> "{'prompt':'the fox " + i + "','completion':' ran','label':" + (i % 2 == 0) + "}")
                        .toArray(String[]::new));
        said = train(model, "causal-lm", ratings, "--form", "kto", "--out", dir.resolve("kto"), "--steps", 1);
        assertTrue(said.contains("6 answers are rated as good and 6 as bad"), said);
        assertFalse(said.contains("held out, a tenth"), said);
    }
}
