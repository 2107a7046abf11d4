package dev.peft4j.models.chat;

import static dev.peft4j.models.chat.ChatMessage.assistant;
import static dev.peft4j.models.chat.ChatMessage.user;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.RatedAnswer;
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
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Tokens and labels of answers that are compared or rated, and what is refused with the line that it is from. */
class RatedAnswersTest {
    private static final String PLACE = "a.jsonl, line 3";
    private static final ChatTemplate TEMPLATE = ChatTemplate.of(
            "{% for m in messages %}<{{ m.role }}>{{ m.content | trim }};{% endfor %}"
                    + "{% if add_generation_prompt %}<assistant>{% endif %}",
            Map.of());
    private static final ChatTemplate RAISING = ChatTemplate.of("{{ raise_exception('no such role') }}", Map.of());

    @TempDir
    Path directory;

    private @Nullable TextTokenizer opened;

    @BeforeEach
    void aSmallTokenizer() throws IOException {
        try (InputStream in = Objects.requireNonNull(
                RatedAnswersTest.class.getResourceAsStream("/tokenizers/qwen2/tokenizer.json"))) {
            Files.copy(in, directory.resolve("tokenizer.json"));
        }
        opened = TextTokenizer.open(directory, 1000);
    }

    @AfterEach
    void close() {
        tokenizer().close();
    }

    private TextTokenizer tokenizer() {
        return Objects.requireNonNull(opened);
    }

    private String learnt(PackedBatch.Sequence s) {
        int[] labels = ((Targets.PerToken) s.targets()).labels();
        List<Integer> ids = new ArrayList<>();
        for (int label : labels) {
            if (label != Targets.IGNORE) {
                ids.add(label);
            }
        }
        return tokenizer().decode(ids.stream().mapToInt(i -> i).toArray());
    }

    private static void refused(String says, Executable encoding) {
        String message = assertThrows(BadInputException.class, encoding).getMessage();
        assertTrue(message.startsWith(PLACE) && message.contains(says) && message.endsWith("."), message);
    }

    private static Preference pair(String chosen, String rejected) {
        return new Preference(List.of(user("q")), "", chosen, rejected, PLACE);
    }

    private static Rating rating(String answer, boolean good) {
        return new Rating(List.of(user("one"), assistant("two"), user("three")), "", answer, good, PLACE);
    }

    @Test
    void the_last_answer_is_learnt_and_no_earlier_one() {
        RecordEncoder.Encoded encoded =
                new RatingEncoder(TEMPLATE, tokenizer(), 1000).encode(List.of(rating("four", false)));
        RatedAnswer only = (RatedAnswer) encoded.examples().get(0);
        assertEquals("four;", learnt(only.sequence()));
        assertEquals(false, only.isGood());
        PackedBatch.Choice choice = (PackedBatch.Choice) new PreferenceEncoder(TEMPLATE, tokenizer(), 1000)
                .encode(List.of(pair("yes", "no")))
                .examples()
                .get(0);
        assertEquals(List.of("yes;", "no;"), List.of(learnt(choice.chosen()), learnt(choice.rejected())));
    }

    @Test
    void ratings_are_mixed_always_in_the_same_way() {
        List<Rating> ratings = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            ratings.add(new Rating(List.of(), "the number ", String.valueOf(i), i < 15, ""));
        }
        RatingEncoder encoder = new RatingEncoder(null, tokenizer(), 1000);
        List<Integer> order = hashes(encoder.encode(ratings));
        assertEquals(order, hashes(encoder.encode(ratings)));
        List<Integer> inFile = new ArrayList<>();
        ratings.forEach(r -> inFile.addAll(hashes(encoder.encode(List.of(r)))));
        assertNotEquals(inFile, order);
        assertEquals(inFile.stream().sorted().toList(), order.stream().sorted().toList());
    }

    private static List<Integer> hashes(RecordEncoder.Encoded encoded) {
        List<Integer> hashes = new ArrayList<>();
        for (Example e : encoded.examples()) {
            RatedAnswer r = (RatedAnswer) e;
            hashes.add(2 * Arrays.hashCode(r.sequence().ids()) + (r.isGood() ? 1 : 0));
        }
        return hashes;
    }

    @Test
    void what_is_cut_until_no_answer_is_left_is_dropped_and_counted() {
        RatingEncoder encoder = new RatingEncoder(null, tokenizer(), 6);
        Rating fits = new Rating(List.of(), "a", "b", true, PLACE);
        Rating longer = new Rating(List.of(), "a", "b c d e f g h i j k l", true, PLACE);
        Rating prompt = new Rating(List.of(user("a b c d e f g h i j k l m n")), "", "b", true, PLACE);
        RecordEncoder.Encoded encoded = encoder.encode(List.of(fits, longer));
        assertEquals(List.of(2, 1, 0), List.of(encoded.examples().size(), encoded.cut(), encoded.dropped()));
        RatingEncoder chats = new RatingEncoder(TEMPLATE, tokenizer(), 6);
        assertEquals(1, chats.encode(List.of(fits, prompt)).dropped());
        String message = assertThrows(BadInputException.class, () -> chats.encode(List.of(prompt)))
                .getMessage();
        assertTrue(message.contains("none of 1 ratings has an answer within 6 tokens"), message);
    }

    @Test
    void answers_that_differ_by_nothing_that_is_learnt_are_refused() {
        PreferenceEncoder encoder = new PreferenceEncoder(TEMPLATE, tokenizer(), 1000);
        refused("the same", () -> encoder.encode(List.of(pair("yes", "yes "))));
        PreferenceEncoder short6 = new PreferenceEncoder(null, tokenizer(), 6);
        String same = "b c d e f g h i j";
        Preference late = new Preference(List.of(), "a", same + " k", same + " l", PLACE);
        String message = assertThrows(BadInputException.class, () -> short6.encode(List.of(late)))
                .getMessage();
        assertTrue(message.contains("none of 1 preferences has both answers, and a difference"), message);
    }

    @Test
    void a_template_that_raises_or_is_missing_is_an_error_with_the_line() {
        refused("no such role", () -> new PreferenceEncoder(RAISING, tokenizer(), 1000)
                .encode(List.of(pair("yes", "no"))));
        refused("no such role", () -> new RatingEncoder(RAISING, tokenizer(), 1000)
                .encode(List.of(rating("yes", true))));
        refused("no such role", () -> new ChatEncoder(RAISING, tokenizer(), 1000)
                .encode(new Chat(List.of(user("q"), assistant("a")), PLACE)));
        refused("no chat template", () -> new PreferenceEncoder(null, tokenizer(), 1000)
                .encode(List.of(pair("yes", "no"))));
        refused("no chat template", () -> new RatingEncoder(null, tokenizer(), 1000)
                .encode(List.of(rating("yes", true))));
    }

    @Test
    void turns_out_of_order_and_empty_answers_of_earlier_turns_are_refused() {
        refused("message 2", () -> new Rating(List.of(user("q"), user("q")), "", "a", true, PLACE));
        refused("message 2", () -> new Preference(List.of(user("q"), user("q")), "", "a", "b", PLACE));
        refused("message 1", () -> new Rating(List.of(assistant("a"), user("q")), "", "a", true, PLACE));
        List<ChatMessage> silent = List.of(user("q"), assistant(" "), user("q"));
        refused("is empty", () -> new RatingEncoder(TEMPLATE, tokenizer(), 1000)
                .encode(List.of(new Rating(silent, "", "a", true, PLACE))));
        refused("is empty", () -> new PreferenceEncoder(TEMPLATE, tokenizer(), 1000)
                .encode(List.of(new Preference(silent, "", "a", "b", PLACE))));
        refused("both", () -> new Rating(List.of(user("q")), "q", "a", true, PLACE));
    }
}
