package dev.peft4j.core.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class PackedBatchTest {
    @Test
    void rows_in_front_are_not_scored() {
        PackedBatch batch = PackedBatch.of(List.of(
                PackedBatch.Sequence.labelled(new int[] {7, 8}, 7, 8),
                PackedBatch.Sequence.labelled(new int[] {9}, 9)));
        int none = Targets.IGNORE;
        PackedBatch longer = batch.withRowsInFront(new int[] {2, 1});
        assertArrayEquals(new int[] {0, 0, 7, 8, 0, 9}, longer.ids());
        assertArrayEquals(new int[] {none, none, 7, 8, none, 9}, ((Targets.PerToken) longer.targets()).labels());
        assertArrayEquals(new int[] {0, 4}, longer.starts());
    }

    @Test
    void targets_that_do_not_fit_a_sequence_are_refused() {
        int[] ids = {7, 8};
        refused("2 tokens", () -> PackedBatch.Sequence.labelled(ids, 1));
        refused("at least 0", () -> PackedBatch.Sequence.classified(ids, -1));
        refused("finite", () -> PackedBatch.Sequence.valued(ids, Float.NaN));
        refused("one kind", () -> Batch.of(List.of(image(3), PackedBatch.Sequence.of(1))));
        refused(
                "same kind",
                () -> PackedBatch.of(
                        List.of(PackedBatch.Sequence.classified(ids, 1), PackedBatch.Sequence.labelled(ids, 1, 2))));
        refused(
                "same kind",
                () -> PackedBatch.of(
                        List.of(PackedBatch.Sequence.valued(ids, 1), PackedBatch.Sequence.valued(ids, 1, 2))));
        refused("sequences at one", () -> new PackedBatch.Sequence(ids, new int[0], new Targets.Classes(new int[2])));
    }

    @Test
    void images_of_one_size_are_a_batch() {
        Batch batch = Batch.of(List.of(image(3), image(3)));
        assertEquals(2, batch.size());
        assertArrayEquals(new int[] {1, 1}, ((Targets.Classes) batch.targets()).classes());
        refused("one size", () -> Batch.of(List.of(image(3), image(4))));
        refused("each pixel", () -> new ImageBatch.Image(new float[5], 1, 2, 3, Targets.none()));
    }

    private static ImageBatch.Image image(int width) {
        return new ImageBatch.Image(new float[2 * width], 1, 2, width, new Targets.Classes(new int[] {width % 2}));
    }

    private static void refused(String expected, Executable make) {
        String message = assertThrows(IllegalArgumentException.class, make).getMessage();
        assertTrue(message.contains(expected), message);
    }

    @Test
    void some_targets_of_each_kind() {
        assertArrayEquals(
                new int[] {3, 1},
                new Targets.Classes(new int[] {1, 2, 3}).of(2, 0).classes());
        assertArrayEquals(
                new float[] {3, 4, 1, 2},
                new Targets.Numbers(new float[] {1, 2, 3, 4}, 2).of(1, 0).values());
        Targets spans = Targets.joined(List.of(
                new Targets.Spans(new int[] {1}, new int[] {2}), new Targets.Spans(new int[] {3}, new int[] {4})));
        assertArrayEquals(new int[] {2, 4}, ((Targets.Spans) spans).last());
        assertEquals(2, spans.count());
    }
}
