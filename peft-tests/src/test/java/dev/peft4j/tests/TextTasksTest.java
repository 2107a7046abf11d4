package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.Dataset;
import dev.peft4j.Entity;
import dev.peft4j.FineTuned;
import dev.peft4j.QuestionAnswerer;
import dev.peft4j.Span;
import dev.peft4j.TextClassifier;
import dev.peft4j.TextEncoder;
import dev.peft4j.TextModel;
import dev.peft4j.TokenTagger;
import dev.peft4j.Training;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.data.RecordReader;
import dev.peft4j.models.data.TextRecord;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each task of an encoder from records to answers: trained, saved, opened again, merged. */
class TextTasksTest {
    private static final LoraConfig LORA = LoraConfig.of(8, 16);
    private static final List<String> QUALITIES = List.of("good", "bad", "fine", "poor");
    private static final List<String> THINGS = List.of("film", "book");

    @TempDir
    Path dir;

    private static Training training(int steps) {
        return Training.steps(steps).learningRate(2e-2).batchSize(8).seed(3);
    }

    private static Dataset all(List<TextRecord> records) {
        return Dataset.of(records).split(0, 0);
    }

    /** Things are B-THING, and qualities in front of them I-THING's beginning. */
    private static List<TextRecord> tagged() {
        List<TextRecord> all = new ArrayList<>();
        for (String thing : THINGS) {
            for (String quality : QUALITIES) {
                all.add(new TextRecord(
                        "", "the " + quality + " " + thing + " was very fine", "O B-THING I-THING O O O"));
                all.add(new TextRecord("", "a " + thing + " is not " + quality, "O B-THING O O O"));
            }
        }
        return all;
    }

    @Test
    void tags_of_words_are_learnt_saved_and_merged() throws IOException {
        Path base = TinyModels.bert(dir.resolve("base"));
        String text = "the good book  was very fine";
        List<Entity> found;
        try (TextModel model = TextModel.open(base, TaskType.TOKEN_CLS);
                FineTuned tuned = model.fineTune(LORA, all(tagged()), training(120));
                TokenTagger tagger = tuned.tagger()) {
            assertEquals(List.of("B-THING", "I-THING", "O"), tagger.labels());
            assertEquals(
                    List.of("O", "B-THING", "I-THING", "O", "O", "O"),
                    tagger.tags(List.of("the", "bad", "film", "was", "very", "fine")));
            found = tagger.entities(text);
            tuned.save(dir.resolve("tags"));
            tuned.saveMerged(dir.resolve("merged"));
            assertThrows(BadInputException.class, () -> tagger.tags(List.of("two words")));
            assertThrows(BadInputException.class, tuned::classifier);
        }
        assertEquals(1, found.size(), found::toString);
        Entity entity = found.get(0);
        assertEquals("THING", entity.type());
        assertEquals(text.substring(entity.begin(), entity.end()), entity.text());
        assertTrue(entity.text().endsWith("book"), entity.text());
        try (TokenTagger again = TokenTagger.open(base, dir.resolve("tags"))) {
            assertEquals(found, again.entities(text));
        }
        TokenTagger merged = TokenTagger.open(dir.resolve("merged"), null);
        try (merged) {
            assertEquals(
                    found.stream().map(Entity::text).toList(),
                    merged.entities(text).stream().map(Entity::text).toList());
        }
        assertThrows(WrongUseException.class, () -> merged.entities(text));
    }

    @Test
    void answers_are_found_and_missed_where_there_is_none() throws IOException {
        Path base = TinyModels.bert(dir.resolve("base"));
        List<TextRecord> records = new ArrayList<>();
        for (String thing : THINGS) {
            for (String quality : QUALITIES) {
                String text = "the " + thing + " was " + quality;
                records.add(new TextRecord("was the " + thing, text, quality));
                records.add(new TextRecord("not the " + thing, text, ""));
            }
        }
        try (TextModel model = TextModel.open(base, TaskType.QUESTION_ANS);
                FineTuned tuned = model.fineTune(LORA, all(records), training(250));
                QuestionAnswerer answerer = tuned.answerer()) {
            Span poor = answerer.answer("was the film", "the film was poor");
            assertEquals(new Span("poor", 13, 17, poor.score()), poor);
            assertTrue(answerer.answer("not the film", "the film was poor").isNone());
            assertFalse(
                    answerer.answerIfAny("not the film", "the film was poor").isNone());
            String beginning = "very ".repeat(60);
            Span late = answerer.answerIfAny("was the film", beginning + "the film was poor");
            assertEquals(late.text(), (beginning + "the film was poor").substring(late.begin(), late.end()));
            tuned.save(dir.resolve("answers"));
            assertThrows(BadInputException.class, () -> answerer.answer(" ", "the film was poor"));
        }
        try (QuestionAnswerer again = QuestionAnswerer.open(base, dir.resolve("answers"))) {
            assertEquals(
                    "fine", again.answer("was the book", "the book was fine").text());
        }
    }

    @Test
    void vectors_of_texts_that_belong_together_come_near() throws IOException {
        Path base = TinyModels.bert(dir.resolve("base"));
        List<TextRecord> records = new ArrayList<>();
        List<String> answers = List.of("the very good film", "a bad book", "not fine", "is the poor");
        for (int i = 0; i < QUALITIES.size(); i++) {
            records.add(new TextRecord(QUALITIES.get(i) + " was", answers.get(i), null));
        }
        try (TextModel model = TextModel.open(base, TaskType.FEATURE_EXTRACTION);
                FineTuned tuned = model.fineTune(LORA, all(records), training(60));
                TextEncoder encoder = tuned.encoder()) {
            List<float[]> vectors = encoder.encode(answers);
            for (int i = 0; i < QUALITIES.size(); i++) {
                float[] query = encoder.encode(QUALITIES.get(i) + " was");
                assertEquals(1, TextEncoder.similarity(query, query), 1e-6);
                assertEquals(i, TextEncoder.nearest(query, vectors, 1).get(0));
            }
            tuned.save(dir.resolve("vectors"));
            try (TextEncoder again = TextEncoder.open(base, dir.resolve("vectors"))) {
                assertEquals(1, TextEncoder.similarity(vectors.get(0), again.encode(answers.get(0))), 1e-6);
            }
            assertThrows(BadInputException.class, () -> TextEncoder.similarity(vectors.get(0), new float[] {1}));
        }
    }

    @Test
    void vectors_are_those_that_files_of_sentence_transformers_ask_for_also_when_they_are_merged() throws IOException {
        Path base = TinyModels.bert(dir.resolve("base"));
        float[] mean;
        try (TextEncoder encoder = TextEncoder.open(base, null)) {
            mean = encoder.encode("the film");
            assertEquals(1, length(mean), 1e-5);
        }
        Files.writeString(
                base.resolve("modules.json"),
                "[{\"path\":\"\",\"type\":\"a.Transformer\"},{\"path\":\"pooled\",\"type\":\"a.Pooling\"}]");
        Files.createDirectory(base.resolve("pooled"));
        Files.writeString(base.resolve("pooled/config.json"), "{\"pooling_mode_mean_tokens\":true}");
        Files.writeString(base.resolve("sentence_roberta_config.json"), "{\"max_seq_length\":4}");
        List<TextRecord> records = List.of(
                new TextRecord("the film", "the film was good", null), new TextRecord("a book", "is very bad", null));
        try (TextModel model = TextModel.open(base, TaskType.FEATURE_EXTRACTION);
                TextEncoder encoder = model.encoder()) {
            float[] vector = encoder.encode("the film");
            assertTrue(Math.abs(length(vector) - 1) > 0.1, () -> "a length of " + length(vector));
            for (int i = 0; i < mean.length; i++) {
                assertEquals(mean[i], vector[i] / length(vector), 1e-5);
            }
            assertArrayEquals(vector, encoder.encode("the film was very good"), "cut to four tokens");
            try (FineTuned tuned =
                    model.fineTune(LORA, Dataset.of(records).heldOut(Dataset.of(records)), training(60))) {
                assertTrue(Objects.requireNonNull(tuned.report().tuned()).loss()
                        < Objects.requireNonNull(tuned.report().base()).loss());
                assertEquals(1, Objects.requireNonNull(tuned.report().tuned()).accuracy());
                tuned.saveMerged(dir.resolve("merged"));
                try (TextEncoder merged = TextEncoder.open(dir.resolve("merged"), null);
                        TextEncoder trained = tuned.encoder()) {
                    assertArrayEquals(trained.encode("the film was"), merged.encode("the film was very good"), 1e-4f);
                }
            }
        }
    }

    private static double length(float[] vector) {
        double squares = 0;
        for (float v : vector) {
            squares += v * v;
        }
        return Math.sqrt(squares);
    }

    @Test
    void hidden_tokens_are_learnt() throws IOException {
        Path base = TinyModels.bert(dir.resolve("base"));
        List<TextRecord> records = new ArrayList<>();
        tagged().forEach(r -> records.add(new TextRecord("", r.text(), null)));
        try (TextModel model = TextModel.open(base, TaskType.MASKED_LM);
                FineTuned tuned =
                        model.fineTune(LORA, Dataset.of(records).heldOut(Dataset.of(records)), training(60))) {
            double before = Objects.requireNonNull(tuned.report().base()).loss();
            double after = Objects.requireNonNull(tuned.report().tuned()).loss();
            assertTrue(after < before / 2, before + " to " + after);
            tuned.save(dir.resolve("hidden"));
            model.load("hidden", dir.resolve("hidden"));
        }
    }

    @Test
    void two_texts_are_classified_together() throws IOException {
        Path base = TinyModels.bert(dir.resolve("base"));
        List<TextRecord> records = new ArrayList<>();
        for (String a : THINGS) {
            for (String b : THINGS) {
                for (String quality : QUALITIES) {
                    String label = a.equals(b) ? "same" : "other";
                    records.add(new TextRecord("the " + a + " is " + quality, "the " + b, label));
                }
            }
        }
        try (TextModel model = TextModel.open(base);
                FineTuned tuned =
                        model.fineTune(LORA, all(records), training(250).classes(2));
                TextClassifier classifier = tuned.classifier()) {
            assertEquals(
                    "same", classifier.classify("the film is bad", "the film").label());
            assertEquals(
                    "other", classifier.classify("the film is bad", "the book").label());
        }
    }

    @Test
    void two_texts_are_read_by_encoders_without_segments_too() throws IOException {
        Path tokenizer = TinyModels.bert(dir.resolve("bert")).resolve("tokenizer.json");
        for (String family : List.of("distilbert_small", "deberta_small", "modernbert_small")) {
            Path base = Files.createDirectories(dir.resolve(family));
            Path from = Methods.MODELS.resolve(family);
            Files.copy(from.resolve("config.json"), base.resolve("config.json"));
            Files.copy(from.resolve("model.safetensors"), base.resolve("model.safetensors"));
            Files.copy(tokenizer, base.resolve("tokenizer.json"));
            List<TextRecord> records = List.of(new TextRecord("was the film", "the film was bad", "bad"));
            try (TextModel model = TextModel.open(base, TaskType.QUESTION_ANS);
                    FineTuned tuned = model.fineTune(LORA, all(records), training(1));
                    QuestionAnswerer answerer = tuned.answerer()) {
                assertFalse(
                        answerer.answerIfAny("was the film", "the film was bad").isNone());
            }
        }
    }

    @Test
    void places_of_answers_count_characters_as_python_does() throws IOException {
        Path base = TinyModels.bert(dir.resolve("base"));
        Path file = Files.writeString(
                dir.resolve("data.jsonl"),
                "{\"question\":\"was\",\"context\":\"\ud83d\ude00 film film\",\"answers\":{\"text\":[\"film\"],\"answer_start\":[7]}}");
        try (TextModel model = TextModel.open(base, TaskType.QUESTION_ANS)) {
            model.fineTune(LORA, Dataset.read(file).split(0, 0), training(1)).close();
        }
    }

    @Test
    void records_that_do_not_fit_a_task_are_refused_with_their_line() throws IOException {
        Path base = TinyModels.bert(dir.resolve("base"));
        refused(
                base,
                TaskType.TOKEN_CLS,
                "{\"tokens\":[\"a\",\"film\"],\"tags\":[\"B-X\",\"I-X\",\"O\"]}",
                "3 tags were found for 2 words");
        refused(base, TaskType.TOKEN_CLS, "{\"tokens\":[\"a film\"],\"tags\":[\"B-X\"]}", "white space");
        refused(
                base,
                TaskType.QUESTION_ANS,
                "{\"question\":\"q\",\"context\":\"a film\",\"answers\":\"book\"}",
                "does not have it");
        refused(
                base,
                TaskType.QUESTION_ANS,
                "{\"question\":\"q\",\"context\":\"a film\",\"answers\":{\"text\":[\"film\"],\"answer_start\":[1]}}",
                "at character 1");
        refused(
                base,
                TaskType.QUESTION_ANS,
                "{\"question\":\"\",\"context\":\"a film\",\"answers\":\"film\"}",
                "no question");
        refused(base, TaskType.FEATURE_EXTRACTION, "{\"anchor\":\"a\",\"positive\":\"\"}", "one text");
        refused(base, TaskType.SEQ_CLS, "{\"sentence1\":\"a\",\"label\":\"x\"}", "[sentence1, label]");
    }

    private void refused(Path base, TaskType task, String line, String says) throws IOException {
        Path file = Files.writeString(dir.resolve("data.jsonl"), line + "\n");
        Exception e = assertThrows(Exception.class, () -> {
            try (TextModel model = TextModel.open(base, task)) {
                List<TextRecord> records = RecordReader.defaults().read(file);
                model.fineTune(LORA, all(records), training(1)).close();
            }
        });
        assertTrue(e instanceof BadInputException || e instanceof BadFileException, e::toString);
        assertTrue(String.valueOf(e.getMessage()).contains(says), e.getMessage());
        assertTrue(String.valueOf(e.getMessage()).contains("line 1"), e.getMessage());
    }
}
