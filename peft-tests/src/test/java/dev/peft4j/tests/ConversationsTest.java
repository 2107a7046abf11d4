package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.Conversations;
import dev.peft4j.FineTuned;
import dev.peft4j.Preferences;
import dev.peft4j.Ratings;
import dev.peft4j.TextModel;
import dev.peft4j.Training;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.train.Evaluation;
import dev.peft4j.core.train.KtoObjective;
import dev.peft4j.core.train.PreferenceObjective;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.GenerationConfig;
import dev.peft4j.models.chat.ChatMessage;
import dev.peft4j.models.chat.Preference;
import dev.peft4j.models.chat.Rating;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Conversations and preferences, from files to answers. */
class ConversationsTest {
    private static final LoraConfig LORA = LoraConfig.of(8, 16);
    private static final String TEMPLATE =
            "{% for m in messages %}{{ m.role }}{{ eos_token }}{{ m.content }}{{ eos_token }}{% endfor %}"
                    + "{% if add_generation_prompt %}assistant{{ eos_token }}{% endif %}";

    @TempDir
    Path dir;

    private Path base = Path.of("");

    @BeforeEach
    void aModelWithATemplate() throws IOException {
        base = TinyModels.llama(dir.resolve("base"));
        Path file = base.resolve("tokenizer_config.json");
        Map<String, Object> config = new LinkedHashMap<>(Json.read(file));
        config.put("chat_template", TEMPLATE);
        Files.writeString(file, Json.print(config));
    }

    private Path file(String name, String... lines) throws IOException {
        return Files.writeString(dir.resolve(name), String.join("\n", lines) + "\n");
    }

    private static String chat(String asked, String answered) {
        return "{\"messages\":[{\"role\":\"user\",\"content\":\"" + asked + "\"},{\"role\":\"assistant\",\"content\":\""
                + answered + "\"}]}";
    }

    private static Training training(int steps) {
        return Training.steps(steps).learningRate(1e-2).batchSize(4).seed(1);
    }

    @Test
    void answers_of_conversations_are_learnt() throws IOException {
        Path file = file(
                "chats.jsonl", chat("the fox", "was lost"), chat("the owl", "was happy"), chat("the bear", "slept"));
        List<ChatMessage> question = List.of(ChatMessage.user("the owl"));
        try (TextModel model = TextModel.open(base)) {
            try (FineTuned tuned = model.fineTune(LORA, Conversations.read(file).split(0, 0), training(150))) {
                assertEquals(" was happy", tuned.chat().reply(question, GenerationConfig.greedy(20)));
                tuned.save(dir.resolve("chat"));
            }
            model.load("chat", dir.resolve("chat"));
            assertEquals(" was happy", model.chat("chat").reply(question, GenerationConfig.greedy(20)));
            StringBuilder pieces = new StringBuilder();
            model.chat("chat")
                    .replyWhile(
                            question,
                            GenerationConfig.greedy(20),
                            text -> pieces.append(text).length() < 3);
            assertTrue(" was happy".startsWith(pieces.toString()) && pieces.length() < 9, pieces::toString);
            assertThrows(BadInputException.class, () -> model.chat().reply(List.of(), GenerationConfig.greedy(1)));
        }
    }

    @Test
    void chosen_answers_become_more_probable_than_rejected_ones() throws IOException {
        Path texts = file(
                "texts.jsonl",
                "{\"prompt\":\"the fox \",\"chosen\":\"was lost\",\"rejected\":\"was tired\"}",
                "{\"prompt\":\"the owl \",\"chosen\":\"was proud\",\"rejected\":\"was lost\"}");
        Path chats = file(
                "chats.jsonl",
                "{\"prompt\":[{\"role\":\"user\",\"content\":\"the fox\"}],\"chosen\":[{\"role\":\"assistant\",\"content\":\"was"
                        + " lost\"}],\"rejected\":[{\"role\":\"assistant\",\"content\":\"was tired\"}]}");
        for (Path file : List.of(texts, chats)) {
            Preferences all = Preferences.read(file);
            for (Preferences data : List.of(all, all.by(PreferenceObjective.orpo()))) {
                try (TextModel model = TextModel.open(base);
                        FineTuned tuned = model.fineTune(LORA, data.heldOut(data), training(40))) {
                    Evaluation before = Objects.requireNonNull(tuned.report().base());
                    Evaluation after = Objects.requireNonNull(tuned.report().tuned());
                    assertTrue(after.loss() < before.loss());
                    assertEquals(1, after.accuracy());
                }
            }
        }
    }

    @Test
    void rated_answers_become_more_probable_or_less() throws IOException {
        Path file = file(
                "rated.jsonl",
                "{\"prompt\":\"the fox \",\"completion\":\"was lost\",\"label\":true}",
                "{\"prompt\":\"the owl \",\"completion\":\"was tired\",\"label\":false}",
                "{\"prompt\":[{\"role\":\"user\",\"content\":\"the fox\"}],\"chosen\":\"was proud\",\"rejected\":\"slept\"}");
        Ratings all = Ratings.read(file);
        for (Ratings data :
                List.of(all, all.by(KtoObjective.kto().withStrength(0.5).withWeights(1, 1.2)))) {
            try (TextModel model = TextModel.open(base);
                    FineTuned tuned = model.fineTune(LORA, data.heldOut(data), training(60))) {
                Evaluation before = Objects.requireNonNull(tuned.report().base());
                Evaluation after = Objects.requireNonNull(tuned.report().tuned());
                assertEquals(4, after.count());
                assertTrue(after.loss() < before.loss());
                assertEquals(1, after.accuracy());
            }
        }
    }

    @Test
    void both_answers_of_a_record_are_held_out_together() {
        List<Rating> ratings = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            ratings.addAll(Rating.of(new Preference(List.of(), "q" + i, "a", "b", "line " + i)));
        }
        for (int seed = 0; seed < 5; seed++) { // 5 records, each of 2 answers
            assertEquals(
                    "10 records, 10 held out",
                    Ratings.of(ratings).split(0.5, seed).toString());
        }
    }

    @Test
    void what_cannot_be_learnt_is_refused_with_its_line() throws IOException {
        refused("roles", "{\"messages\":[{\"role\":\"assistant\",\"content\":\"a\"}]}", "line 1");
        refused("empty", chat("the fox", ""), "line 1");
        refused("same", "{\"prompt\":\"a\",\"chosen\":\"b\",\"rejected\":\"b\"}", "line 1");
        refused("missing", "{\"prompt\":\"a\",\"chosen\":\"b\"}", "rejected");
        Path file = file("fine.jsonl", chat("the fox", "was lost"));
        Path plain = TinyModels.llama(dir.resolve("plain"));
        try (TextModel model = TextModel.open(plain)) {
            Conversations data = Conversations.read(file).split(0, 0);
            Exception e = assertThrows(Exception.class, () -> model.fineTune(LORA, data, training(1)));
            assertTrue(String.valueOf(e.getMessage()).contains("chat_template"), e::toString);
        }
    }

    private void refused(String name, String line, String says) throws IOException {
        Path file = file(name + ".jsonl", line);
        Exception e = assertThrows(Exception.class, () -> {
            if (line.contains("chosen")) {
                Preferences.read(file);
            } else {
                Conversations.read(file);
            }
        });
        assertTrue(e instanceof BadInputException || e instanceof BadFileException, e::toString);
        assertTrue(String.valueOf(e.getMessage()).contains(says), e.getMessage());
    }
}
