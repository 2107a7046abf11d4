package dev.peft4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.models.chat.Preference;
import dev.peft4j.models.chat.Rating;
import dev.peft4j.models.data.RecordReader;
import dev.peft4j.models.data.TextRecord;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Records and what is held out of them. */
class DatasetTest {
    @TempDir
    Path dir;

    private static Dataset numbered(int count) {
        return Dataset.of(IntStream.range(0, count)
                .mapToObj(i -> new TextRecord("", "text " + i, "label " + i % 2))
                .toList());
    }

    @Test
    void files_of_all_kinds_are_read() throws IOException {
        Path jsonl = Files.writeString(dir.resolve("a.jsonl"), "{\"prompt\": \"2 + 2 =\", \"completion\": \" 4\"}\n");
        assertEquals(" 4", Dataset.read(jsonl).train().get(0).text());
        Path tsv = Files.writeString(dir.resolve("a.tsv"), "sentence\tclass\nfine\t1\n");
        RecordReader columns = RecordReader.defaults().withText("sentence").withLabel("class");
        assertEquals("1", Dataset.read(tsv, columns).train().get(0).label());
        Path csv = dir.resolve("a.csv.gz");
        try (GZIPOutputStream out = new GZIPOutputStream(Files.newOutputStream(csv))) {
            out.write("text,label\ngood,yes\nbad,no\n".getBytes(StandardCharsets.UTF_8));
        }
        assertEquals(
                List.of("good", "bad"),
                Dataset.read(csv).train().stream().map(TextRecord::text).toList());
        assertThrows(BadFileException.class, () -> Dataset.read(dir.resolve("missing.jsonl")));
        assertThrows(BadFileException.class, () -> Dataset.read(Files.createFile(dir.resolve("empty.jsonl"))));
    }

    @Test
    void answers_to_one_prompt_are_held_out_together() {
        List<Rating> ratings = new ArrayList<>();
        List<Preference> preferences = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            String prompt = "prompt " + i % 3;
            ratings.add(new Rating(List.of(), prompt, "answer " + i, i % 2 == 0, "line " + i));
            preferences.add(new Preference(List.of(), prompt, "good " + i, "bad " + i, "line " + i));
        }
        assertEquals(10, Ratings.of(ratings).split(0.4, 1).size(true), "one of three prompts, not 12 rows");
        assertEquals(20, Ratings.of(ratings).split(0.4, 1).size(false));
        assertEquals(10, Preferences.of(preferences).split(0.4, 1).size(true));
    }

    @Test
    void a_share_is_held_out_by_seed_and_by_class() {
        Dataset data = numbered(100).split(0.2, 7);
        assertEquals("80 records, 20 held out", data.toString());
        assertEquals(
                10,
                data.heldOut().stream().filter(r -> "label 0".equals(r.label())).count());
        assertEquals(data.heldOut(), numbered(100).split(0.2, 7).heldOut());
        assertFalse(data.heldOut().equals(numbered(100).split(0.2, 8).heldOut()));
        Set<TextRecord> all = new HashSet<>(data.train());
        all.addAll(data.heldOut());
        assertEquals(100, all.size());
        assertEquals(50, data.split(0.5, 1).train().size(), "what was held out is drawn from again");
    }

    @Test
    void what_is_held_out_may_be_another_file_or_nothing() {
        Dataset data = numbered(30);
        assertFalse(data.isSplit());
        Dataset none = data.split(0, 0);
        assertTrue(none.isSplit() && none.heldOut().isEmpty() && none.train().size() == 30);
        Dataset other = data.heldOut(numbered(5).split(0.4, 1));
        assertEquals(5, other.heldOut().size(), "all of the other one");
        assertEquals("10 records, 5 held out", other.shuffle(3).limit(10).toString());
        assertEquals(30, data.limit(1000).train().size());
    }

    @Test
    void no_records_and_shares_of_nothing_are_refused() {
        assertThrows(IllegalArgumentException.class, () -> Dataset.of(List.of()));
        assertThrows(IllegalArgumentException.class, () -> numbered(10).split(1, 0));
        assertThrows(IllegalArgumentException.class, () -> numbered(10).split(-0.1, 0));
        assertThrows(IllegalArgumentException.class, () -> numbered(10).split(Double.NaN, 0));
        assertThrows(IllegalArgumentException.class, () -> numbered(10).limit(0));
    }
}
