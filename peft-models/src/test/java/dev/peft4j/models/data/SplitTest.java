package dev.peft4j.models.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BadInputException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SplitTest {
    private static Set<String> prompts(List<TextRecord> records) {
        return records.stream().map(TextRecord::prompt).collect(Collectors.toSet());
    }

    @Test
    void records_of_one_prompt_stay_together() {
        List<TextRecord> records = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            records.add(new TextRecord("prompt " + i % 140, "text " + i, null));
        }
        Split split = Split.tenth(records, 3);
        assertEquals(1000, split.train().size() + split.heldOut().size());
        assertTrue(
                split.heldOut().size() > 90 && split.heldOut().size() <= 100,
                "" + split.heldOut().size());
        Set<String> both = new HashSet<>(prompts(split.train()));
        both.retainAll(prompts(split.heldOut()));
        assertEquals(Set.of(), both);
    }

    @Test
    void records_of_other_kinds_stay_together_too_unless_all_have_one_prompt() {
        List<Integer> records = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            records.add(i);
        }
        Split.Parts<Integer> parts = Split.parts(records, i -> i % 140, 0.1, 3);
        Set<Integer> held = new HashSet<>();
        Set<Integer> train = new HashSet<>();
        parts.heldOut().forEach(i -> held.add(i % 140));
        parts.train().forEach(i -> train.add(i % 140));
        int count = parts.heldOut().size();
        assertEquals(1000 - count, parts.train().size());
        assertTrue(count > 90 && count <= 100, "" + count);
        held.retainAll(train);
        assertEquals(Set.of(), held);
        assertEquals(100, Split.parts(records, i -> "one", 0.1, 3).heldOut().size());
        for (double share : new double[] {-0.1, 1, Double.NaN}) {
            assertThrows(BadInputException.class, () -> Split.parts(records, i -> i, share, 3));
        }
    }

    @Test
    void the_seed_decides() {
        List<TextRecord> records = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            records.add(new TextRecord("", "text " + i, null));
        }
        assertEquals(Split.tenth(records, 5), Split.tenth(records, 5));
        assertNotEquals(Split.tenth(records, 5), Split.tenth(records, 6));
        List<TextRecord> inOrder = new ArrayList<>(Split.tenth(records, 5).train());
        inOrder.sort((a, b) -> Integer.compare(records.indexOf(a), records.indexOf(b)));
        assertEquals(inOrder, Split.tenth(records, 5).train());
    }

    /** Also where the file has one class behind the other. */
    @Test
    void classes_have_their_shares_on_both_sides() {
        List<TextRecord> records = new ArrayList<>();
        for (int i = 0; i < 500; i++) {
            records.add(new TextRecord("", "text " + i, i < 300 ? "a" : i < 460 ? "b" : "c"));
        }
        List<TextRecord> heldOut = Split.tenth(records, 1).heldOut();
        assertEquals(50, heldOut.size());
        assertEquals(30, heldOut.stream().filter(r -> "a".equals(r.label())).count());
        assertEquals(16, heldOut.stream().filter(r -> "b".equals(r.label())).count());
    }

    @Test
    void equal_texts_stay_together_too() {
        List<TextRecord> records = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            records.add(new TextRecord("", "text " + i / 2, null));
        }
        Split split = Split.tenth(records, 1);
        assertEquals(10, split.heldOut().size());
        assertTrue(split.train().stream().noneMatch(split.heldOut()::contains));
    }

    @Test
    void one_prompt_for_all_leaves_something_to_evaluate() {
        List<TextRecord> records = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            records.add(new TextRecord("Translate:", "text " + i, null));
        }
        assertEquals(6, Split.tenth(records, 1).heldOut().size());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 9})
    void few_records_are_all_trained_on(int count) {
        List<TextRecord> records = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            records.add(new TextRecord("", "text " + i, null));
        }
        assertEquals(records, Split.tenth(records, 1).train());
    }

    @Test
    void a_record_is_not_held_out_alone_where_it_is_compared_with_others() {
        List<TextRecord> records = IntStream.range(0, 20)
                .mapToObj(i -> new TextRecord("p" + i, "t" + i, null))
                .toList();
        assertEquals(1, Split.tenth(records.subList(0, 19), 1).heldOut().size());
        Split none = Split.tenth(records.subList(0, 19), 1).withNoneAlone();
        assertEquals(0, none.heldOut().size());
        assertEquals(Set.copyOf(records.subList(0, 19)), Set.copyOf(none.train()));
        assertEquals(2, Split.tenth(records, 1).withNoneAlone().heldOut().size());
    }
}
