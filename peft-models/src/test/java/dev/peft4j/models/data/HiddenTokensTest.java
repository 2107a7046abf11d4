package dev.peft4j.models.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.data.VariedSequence;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.models.TextTokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Hidden tokens: others in each epoch, the same for the same number, and never special ones. */
class HiddenTokensTest {
    private static final int MASK = 4;

    @TempDir
    Path directory;

    private TextTokenizer tokenizer;

    @BeforeEach
    void open() throws Exception {
        Path file = Path.of(Objects.requireNonNull(getClass().getResource("/tokenizers/bert/tokenizer.json"))
                .toURI());
        Files.copy(file, directory.resolve("tokenizer.json"));
        Files.writeString(directory.resolve("tokenizer_config.json"), "{\"tokenizer_class\":\"BertTokenizer\"}");
        tokenizer = TextTokenizer.open(directory, 496);
    }

    @AfterEach
    void close() {
        tokenizer.close();
    }

    private RecordEncoder.Encoded encode(String... texts) {
        return new RecordEncoder(tokenizer, TaskType.MASKED_LM, 400)
                .encode(Arrays.stream(texts)
                        .map(t -> new TextRecord("", t, null))
                        .toList());
    }

    private static int[] labels(PackedBatch.Sequence s) {
        return ((Targets.PerToken) s.targets()).labels();
    }

    @Test
    void each_number_hides_other_tokens_and_the_same_number_the_same_ones() {
        String text = "the small fox saw the river near the hill";
        VariedSequence e = (VariedSequence) encode(text).examples().get(0);
        int[] whole = tokenizer.encode(text, true);
        Set<List<Integer>> seen = new HashSet<>();
        for (int seed = 0; seed < 50; seed++) {
            PackedBatch.Sequence variant = e.inEpoch(seed);
            int[] labels = labels(variant);
            assertArrayEquals(variant.ids(), e.inEpoch(seed).ids());
            assertArrayEquals(labels, labels(e.inEpoch(seed)));
            int scored = 0;
            for (int i = 0; i < whole.length; i++) {
                assertTrue(labels[i] == Targets.IGNORE ? variant.ids()[i] == whole[i] : labels[i] == whole[i]);
                scored += labels[i] == Targets.IGNORE ? 0 : 1;
            }
            assertTrue(scored > 0, "at least one token is hidden");
            seen.add(Arrays.stream(labels).boxed().toList());
        }
        assertTrue(seen.size() > 20, () -> seen.size() + " of 50 are different");
    }

    @Test
    void what_is_evaluated_follows_from_the_text_alone() {
        VariedSequence first =
                (VariedSequence) encode("the fox saw the river").examples().get(0);
        VariedSequence again = (VariedSequence)
                encode("a hill", "the fox saw the river").examples().get(1);
        assertArrayEquals(first.fixed().ids(), again.fixed().ids());
        assertArrayEquals(labels(first.fixed()), labels(again.fixed()));
        assertEquals(first.fixed().targets(), first.targets());
    }

    @Test
    void special_tokens_in_a_text_are_never_hidden() {
        VariedSequence e =
                (VariedSequence) encode("\u4e16 [SEP] fox \u754c").examples().get(0);
        int[] whole = e.fixed().ids();
        int fox = tokenizer.encode("fox", false)[0];
        for (int seed = 0; seed < 200; seed++) {
            int[] labels = labels(e.inEpoch(seed));
            for (int i = 0; i < whole.length; i++) {
                assertTrue(labels[i] == Targets.IGNORE || labels[i] > MASK, () -> Arrays.toString(labels));
            }
            assertTrue(Arrays.stream(labels).anyMatch(l -> l == fox) || whole.length > 6);
        }
        RecordEncoder.Encoded unknown = encode("\u4e16 \u754c", "the fox");
        assertEquals(1, unknown.dropped(), "a text of unknown tokens has nothing to learn");
        assertEquals(1, unknown.examples().size());
    }

    /** 15 % of the tokens; 80 % of these become the mask, 10 % another token. */
    @Test
    void the_shares_are_those_of_the_paper() {
        VariedSequence e = (VariedSequence) encode("the small fox saw the river near the hill ".repeat(30))
                .examples()
                .get(0);
        int[] whole = tokenizer.encode("the small fox saw the river near the hill ".repeat(30), true, 400);
        double hidden = 0;
        double masked = 0;
        double kept = 0;
        int seeds = 200;
        for (int seed = 0; seed < seeds; seed++) {
            PackedBatch.Sequence variant = e.inEpoch(seed);
            int[] labels = labels(variant);
            for (int i = 0; i < whole.length; i++) {
                if (labels[i] != Targets.IGNORE) {
                    hidden++;
                    masked += variant.ids()[i] == MASK ? 1 : 0;
                    kept += variant.ids()[i] == whole[i] ? 1 : 0;
                }
            }
        }
        assertEquals(0.15, hidden / (seeds * (whole.length - 2.0)), 0.005);
        assertEquals(0.8, masked / hidden, 0.015);
        assertEquals(0.1, kept / hidden, 0.015);
        assertFalse(Arrays.equals(e.inEpoch(1).ids(), e.inEpoch(2).ids()));
    }
}
