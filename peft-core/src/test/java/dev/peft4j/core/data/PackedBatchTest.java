package dev.peft4j.core.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.Targets;
import java.util.List;
import org.junit.jupiter.api.Test;

class PackedBatchTest {
    @Test
    void rows_in_front_of_single_tokens_predict_them() {
        PackedBatch batch = PackedBatch.of(List.of(
                PackedBatch.Sequence.labelled(new int[] {7}, new int[] {7}),
                PackedBatch.Sequence.labelled(new int[] {9}, new int[] {9})));
        int none = Targets.IGNORE;
        int[] next = batch.withRowsInFront(new int[] {2, 1}).nextTokens();
        assertArrayEquals(new int[] {none, 7, none, 9, none}, next);
    }

    @Test
    void labels_and_values_of_one_sequence_are_refused() {
        assertThrows(
                IllegalArgumentException.class,
                () -> new PackedBatch.Sequence(new int[] {7}, new int[0], new int[] {1}, new float[] {1}));
    }
}
