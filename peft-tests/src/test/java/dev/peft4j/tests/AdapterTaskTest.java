package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.Conversations;
import dev.peft4j.Dataset;
import dev.peft4j.FineTuned;
import dev.peft4j.Preferences;
import dev.peft4j.QuestionAnswerer;
import dev.peft4j.Ratings;
import dev.peft4j.TextClassifier;
import dev.peft4j.TextEncoder;
import dev.peft4j.TextModel;
import dev.peft4j.TokenTagger;
import dev.peft4j.Training;
import dev.peft4j.TrainingData;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.chat.Chat;
import dev.peft4j.models.chat.ChatMessage;
import dev.peft4j.models.chat.Preference;
import dev.peft4j.models.chat.Rating;
import dev.peft4j.models.data.TextRecord;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Models are used for what their adapters were trained for, and with heads that were trained. */
class AdapterTaskTest {
    private static final Training ONE = Training.steps(1).batchSize(2);
    private static final Dataset TAGS = Dataset.of(
            List.of(new TextRecord("", "the good film", "O B-X I-X"), new TextRecord("", "a bad book", "O B-X I-X")));
    private static final Dataset CLASSES = Dataset.of(List.of(
            new TextRecord("", "the film", "x"),
            new TextRecord("", "a book", "y"),
            new TextRecord("", "is good", "z")));

    @TempDir
    Path dir;

    private Path base = Path.of("");

    @BeforeEach
    void write() throws IOException {
        base = TinyModels.bert(dir.resolve("base"));
    }

    private Path trained(TaskType task, Dataset records) throws IOException {
        Path out = dir.resolve(task.name());
        try (TextModel model = TextModel.open(base, task);
                FineTuned tuned = model.fineTune(LoraConfig.of(2, 4), records.split(0, 0), ONE)) {
            tuned.save(out);
        }
        return out;
    }

    private String other(Path adapter, TaskType trained, TaskType used) {
        return adapter + ": the adapter was trained for " + trained + " (\"task_type\" in adapter_config.json), and the"
                + " model " + base + " is to be used for " + used;
    }

    private static void refused(String expected, Executable use) {
        String text = String.valueOf(assertThrows(Exception.class, use).getMessage());
        assertTrue(text.contains(expected), text);
    }

    @Test
    void an_adapter_of_another_task_is_refused_by_name() throws IOException {
        Path tags = trained(TaskType.TOKEN_CLS, TAGS);
        Path classes = trained(TaskType.SEQ_CLS, CLASSES);
        assertEquals(TaskType.TOKEN_CLS, AdapterFiles.describe(tags).task());
        refused(other(tags, TaskType.TOKEN_CLS, TaskType.SEQ_CLS), () -> TextClassifier.open(base, tags));
        refused(other(classes, TaskType.SEQ_CLS, TaskType.TOKEN_CLS), () -> TokenTagger.open(base, classes));
        refused("was trained for SEQ_CLS", () -> QuestionAnswerer.open(base, classes));
        refused("was trained for TOKEN_CLS", () -> TextEncoder.open(base, tags));
        Path run = dir.resolve("run");
        try (TextModel model = TextModel.open(base)) {
            refused(other(tags, TaskType.TOKEN_CLS, TaskType.SEQ_CLS), () -> model.load("t", tags));
            refused("was trained for TOKEN_CLS", () -> model.fineTune(tags, CLASSES, ONE.outputDir(run)));
            assertFalse(Files.exists(run));
            model.load("t", classes);
            assertEquals(List.of("x", "y", "z"), model.classifier("t").labels());
        }
        try (TokenTagger tagger = TokenTagger.open(base, tags)) {
            assertEquals(List.of("B-X", "I-X", "O"), tagger.labels());
        }
    }

    @Test
    void a_head_that_nobody_trained_answers_nothing() throws IOException {
        refused("neither the checkpoint nor an adapter has a trained head", () -> QuestionAnswerer.open(base, null));
        TextEncoder.open(base, null).close();
        try (TextModel model = TextModel.open(base, TaskType.QUESTION_ANS)) {
            refused("(qa_outputs)", model::answerer);
            try (FineTuned tuned = model.fineTune(
                    LoraConfig.of(2, 4).withModulesToSave(List.of()),
                    Dataset.of(List.of(new TextRecord("is the film", "the film is good", "good")))
                            .split(0, 0),
                    ONE)) {
                tuned.save(dir.resolve("headless"));
            }
            model.load("headless", dir.resolve("headless"));
            refused("nor [headless] has a trained head", () -> model.answerer("headless"));
        }
        Path answers = trained(
                TaskType.QUESTION_ANS, Dataset.of(List.of(new TextRecord("is the film", "the film is good", "good"))));
        QuestionAnswerer.open(base, answers).close();
    }

    @Test
    void conversations_and_answers_are_learnt_by_language_models_alone() throws IOException {
        List<TrainingData> all = List.of(
                Conversations.of(
                        List.of(new Chat(List.of(ChatMessage.user("good"), ChatMessage.assistant("film")), "a test"))),
                Preferences.of(List.of(new Preference(List.of(), "the ", "film", "book", "a test"))),
                Ratings.of(List.of(
                        new Rating(List.of(), "the ", "film", true, "a test"),
                        new Rating(List.of(), "the ", "book", false, "a test"))));
        for (TaskType task : List.of(TaskType.SEQ_CLS, TaskType.TOKEN_CLS, TaskType.FEATURE_EXTRACTION)) {
            try (TextModel model = TextModel.open(base, task)) {
                for (TrainingData data : all) {
                    refused(
                            "takes a language model (CAUSAL_LM), and this bert model is for " + task,
                            () -> model.fineTune(LoraConfig.of(2, 4), data, ONE));
                }
            }
        }
    }
}
