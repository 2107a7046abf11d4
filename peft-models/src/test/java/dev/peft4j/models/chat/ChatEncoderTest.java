package dev.peft4j.models.chat;

import static dev.peft4j.models.chat.ChatMessage.assistant;
import static dev.peft4j.models.chat.ChatMessage.system;
import static dev.peft4j.models.chat.ChatMessage.user;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.models.TextTokenizer;
import dev.peft4j.models.data.RecordEncoder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Ids and labels of conversations; those of scripts/make-chat-fixtures.py are of transformers. */
class ChatEncoderTest {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final Map<String, String> TOKENS =
            Map.of("bos_token", "<|endoftext|>", "eos_token", "<|endoftext|>");
    private static final Chat TWO =
            Chat.of(system("s"), user("One?"), assistant("Two."), user("Three?"), assistant("Four \ud83d\ude00"));

    @TempDir
    Path directory;

    private static JsonNode read(String name) throws IOException {
        try (InputStream in = Objects.requireNonNull(ChatEncoderTest.class.getResourceAsStream("/chat/" + name))) {
            return JSON.readTree(in);
        }
    }

    private static String template(String name) throws IOException {
        return read("families.json").get("templates").get(name).asText();
    }

    /** A small tokenizer with the marks of ChatML. */
    private TextTokenizer small() throws IOException {
        try (InputStream in =
                Objects.requireNonNull(ChatEncoderTest.class.getResourceAsStream("/tokenizers/qwen2/tokenizer.json"))) {
            Files.copy(in, directory.resolve("tokenizer.json"));
        }
        return TextTokenizer.open(directory, 1000);
    }

    private static int[] ints(JsonNode list) {
        return JSON.convertValue(list, int[].class);
    }

    private static void check(JsonNode all, TextTokenizer tokenizer) {
        ChatEncoder encoder =
                new ChatEncoder(ChatTemplate.of(all.get("template").asText(), Map.of()), tokenizer, 10_000);
        int compared = 0;
        for (JsonNode c : all.get("cases")) {
            List<ChatMessage> messages = new ArrayList<>();
            c.get("messages")
                    .forEach(m -> messages.add(new ChatMessage(
                            m.get("role").asText(), m.get("content").asText())));
            String text = encoder.template().render(messages, false);
            assertArrayEquals(ints(c.get("ids")), tokenizer.locate(text).ids(), c.toString());
            assertArrayEquals(ints(c.get("ids")), tokenizer.encode(text, false), c.toString());
            if (messages.stream().anyMatch(m -> m.isAnswer() && !m.content().isBlank())) {
                PackedBatch.Sequence sequence = encoder.encode(new Chat(messages));
                int[] mask = ints(c.get("mask"));
                int[] expected = ints(c.get("ids"));
                for (int i = 0; i < mask.length; i++) {
                    expected[i] = mask[i] == 0 ? Targets.IGNORE : expected[i];
                }
                assertArrayEquals(ints(c.get("ids")), sequence.ids(), c.toString());
                assertArrayEquals(expected, labels(sequence), c.toString());
                compared++;
            }
        }
        assertTrue(compared > 5);
    }

    private static int[] labels(PackedBatch.Sequence sequence) {
        return ((Targets.PerToken) sequence.targets()).labels();
    }

    @Test
    void labels_are_the_assistant_mask_of_transformers() throws IOException {
        try (TextTokenizer tokenizer = small()) {
            check(read("tokens.json"), tokenizer);
        }
    }

    @Test
    void labels_are_those_of_transformers_with_the_tokenizer_of_a_model() throws IOException {
        String given = System.getProperty("peft4j.smollm2", "");
        assumeFalse(given.isEmpty(), "the directory of SmolLM2-135M-Instruct was not given (-Dpeft4j.smollm2=DIR)");
        try (TextTokenizer tokenizer = TextTokenizer.open(Path.of(given), 49_152)) {
            check(read("smollm2.json"), tokenizer);
        }
    }

    /** The texts of all runs of labels. */
    private static List<String> learnt(ChatTemplate template, TextTokenizer tokenizer, Chat chat) {
        PackedBatch.Sequence sequence = new ChatEncoder(template, tokenizer, 1000).encode(chat);
        String text = template.render(chat.messages(), false);
        TextTokenizer.Located tokens = tokenizer.locate(text);
        assertArrayEquals(tokens.ids(), sequence.ids());
        int[] labels = labels(sequence);
        List<String> parts = new ArrayList<>();
        for (int i = 0; i < labels.length; i++) {
            if (labels[i] != Targets.IGNORE) {
                assertEquals(sequence.ids()[i], labels[i]);
                int first = i;
                while (i + 1 < labels.length && labels[i + 1] != Targets.IGNORE) {
                    i++;
                }
                parts.add(text.substring(tokens.begins()[first], tokens.ends()[i]));
            }
        }
        return parts;
    }

    @Test
    void an_answer_is_learnt_to_the_end_of_its_turn() throws IOException {
        try (TextTokenizer tokenizer = small()) {
            assertEquals(
                    List.of("Two.<|im_end|>", "Four \ud83d\ude00<|im_end|>"),
                    learnt(ChatTemplate.of(template("smollm2"), TOKENS), tokenizer, TWO));
            assertEquals(
                    List.of("Two.<|im_end|>", "Four \ud83d\ude00<|im_end|>"),
                    learnt(ChatTemplate.of(template("chatml-generation"), TOKENS), tokenizer, TWO));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"chatml", "chatml-generation", "llama2", "llama3", "gemma", "phi3", "zephyr", "command"})
    void answers_of_all_families_are_found(String name) throws IOException {
        try (TextTokenizer tokenizer = small()) {
            List<String> learnt = learnt(ChatTemplate.of(template(name), TOKENS), tokenizer, TWO);
            assertEquals(2, learnt.size(), learnt.toString());
            assertTrue(learnt.get(0).contains("Two.") && !learnt.get(0).contains("One?"), learnt.toString());
            assertTrue(learnt.get(1).contains("Four") && !learnt.get(1).contains("Three?"), learnt.toString());
        }
    }

    @Test
    void an_end_token_behind_the_whole_belongs_to_the_last_answer_only() throws IOException {
        try (TextTokenizer tokenizer = small()) {
            assertEquals(
                    List.of("Two.<|over|>", "Four \ud83d\ude00<|over|>\n<|endoftext|>"),
                    learnt(ChatTemplate.of(template("phi3"), TOKENS), tokenizer, TWO));
        }
    }

    @Test
    void a_template_that_changes_earlier_turns_is_refused_by_name_of_the_message() throws IOException {
        ChatTemplate qwen3 = ChatTemplate.of(template("qwen3"), TOKENS);
        try (TextTokenizer tokenizer = small()) {
            assertEquals(
                    List.of("<think>\n\n</think>\n\nTwo.<|im_end|>"),
                    learnt(qwen3, tokenizer, Chat.of(user("One?"), assistant("Two."))));
            Chat chat = new Chat(TWO.messages(), "a.jsonl, line 3");
            String message = String.valueOf(
                    assertThrows(BadInputException.class, () -> new ChatEncoder(qwen3, tokenizer, 100).encode(chat))
                            .getMessage());
            assertTrue(message.startsWith("a.jsonl, line 3: message 3 is an answer"), message);
            assertTrue(message.contains("changes earlier turns"), message);
        }
    }

    @Test
    void a_template_that_shows_the_system_in_the_last_question_only_is_refused_with_one() throws IOException {
        ChatTemplate mistral = ChatTemplate.of(template("mistral"), TOKENS);
        Chat without = new Chat(TWO.messages().subList(1, 5));
        try (TextTokenizer tokenizer = small()) {
            assertEquals(
                    List.of(" Two.<|endoftext|>", " Four \ud83d\ude00<|endoftext|>"),
                    learnt(mistral, tokenizer, without));
            assertThrows(BadInputException.class, () -> new ChatEncoder(mistral, tokenizer, 100).encode(TWO));
        }
    }

    @Test
    void what_a_template_refuses_names_the_conversation() throws IOException {
        ChatTemplate template = ChatTemplate.of("{{ raise_exception('Not this') }}", TOKENS);
        try (TextTokenizer tokenizer = small()) {
            Chat chat = new Chat(TWO.messages(), "a.jsonl, line 3");
            String message = String.valueOf(
                    assertThrows(BadInputException.class, () -> new ChatEncoder(template, tokenizer, 100).encode(chat))
                            .getMessage());
            assertTrue(message.startsWith("a.jsonl, line 3: ") && message.contains("Not this"), message);
        }
    }

    @Test
    void no_token_is_put_in_front_and_special_tokens_are_found() throws IOException {
        try (TextTokenizer tokenizer = small()) {
            ChatTemplate template = ChatTemplate.of(template("smollm2"), TOKENS);
            int[] ids = new ChatEncoder(template, tokenizer, 100)
                    .encode(Chat.of(user("a"), assistant("b")))
                    .ids();
            assertEquals(1, ids[0]); // <|im_start|>
            assertEquals(3, Arrays.stream(ids).filter(id -> id == 1).count());
            assertEquals(3, Arrays.stream(ids).filter(id -> id == 2).count());
        }
    }

    @Test
    void long_conversations_are_cut_and_those_without_an_answer_left_out() throws IOException {
        try (TextTokenizer tokenizer = small()) {
            ChatTemplate template = ChatTemplate.of(template("smollm2"), TOKENS);
            Chat brief = Chat.of(system("s"), user("a"), assistant("b"));
            int length =
                    new ChatEncoder(template, tokenizer, 1000).encode(brief).length();
            Chat late = Chat.of(system("s"), user("a".repeat(300)), assistant("b"));
            RecordEncoder.Encoded encoded =
                    new ChatEncoder(template, tokenizer, length - 1).encode(List.of(brief, late));
            assertEquals(1, encoded.examples().size());
            assertEquals(length - 1, encoded.examples().get(0).length());
            assertEquals(2, encoded.cut());
            assertEquals(1, encoded.dropped());
            assertThrows(BadInputException.class, () -> new ChatEncoder(template, tokenizer, 3)
                    .encode(List.of(brief, late)));
            assertThrows(BadInputException.class, () -> new ChatEncoder(template, tokenizer, 1));
        }
    }

    @Test
    void conversations_of_very_many_answers_are_refused_where_their_places_are_looked_for() throws IOException {
        List<ChatMessage> messages = new ArrayList<>();
        for (int i = 0; i < 1001; i++) {
            messages.add(user("a"));
            messages.add(assistant("b"));
        }
        Chat chat = new Chat(messages);
        try (TextTokenizer tokenizer = small()) {
            ChatTemplate plain = ChatTemplate.of(template("smollm2"), TOKENS);
            ChatTemplate marks = ChatTemplate.of(template("chatml-generation"), TOKENS);
            assertThrows(BadInputException.class, () -> new ChatEncoder(plain, tokenizer, 100).encode(chat));
            assertEquals(
                    2002,
                    Arrays.stream(labels(new ChatEncoder(marks, tokenizer, 100).encode(chat)))
                            .filter(label -> label != Targets.IGNORE)
                            .count());
        }
    }
}
