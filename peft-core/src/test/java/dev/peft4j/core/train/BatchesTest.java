package dev.peft4j.core.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.model.PackedBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BatchesTest {
    private static final int RECORDS = 403;
    private static final int SIZE = 4;

    /** Record i has the token i, i % 17 + 1 times. */
    private static List<PackedBatch.Sequence> records() {
        return IntStream.range(0, RECORDS)
                .mapToObj(i -> {
                    int[] ids = new int[i % 17 + 1];
                    Arrays.fill(ids, i);
                    return PackedBatch.Sequence.of(ids);
                })
                .toList();
    }

    private static List<PackedBatch> epoch(Batches batches) {
        List<PackedBatch> epoch = new ArrayList<>();
        for (int i = 0; i < (RECORDS + SIZE - 1) / SIZE; i++) {
            epoch.add(batches.next());
        }
        return epoch;
    }

    private static int[] order(List<PackedBatch> epoch) {
        return epoch.stream()
                .flatMapToInt(b -> Arrays.stream(b.starts()).map(s -> b.ids()[s]))
                .toArray();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void an_epoch_has_every_record_once_and_the_next_another_order(boolean byLength) {
        Batches batches = new Batches(records(), SIZE, byLength, 5);
        int[] first = order(epoch(batches));
        int[] second = order(epoch(batches));
        assertTrue(!Arrays.equals(first, second));
        int[] all = IntStream.range(0, RECORDS).toArray();
        assertArrayEquals(all, Arrays.stream(first).sorted().toArray());
        assertArrayEquals(all, Arrays.stream(second).sorted().toArray());
        assertArrayEquals(first, order(epoch(new Batches(records(), SIZE, byLength, 5))));
    }

    @Test
    void grouped_records_of_a_batch_have_like_lengths_and_batches_come_in_any_order() {
        List<PackedBatch> epoch = epoch(new Batches(records(), SIZE, true, 5));
        int spread = 0;
        int rising = 0;
        for (int i = 0; i < epoch.size(); i++) {
            int[] lengths = epoch.get(i).lengths();
            spread += Arrays.stream(lengths).max().orElse(0)
                    - Arrays.stream(lengths).min().orElse(0);
            rising += i > 0 && lengths[0] > epoch.get(i - 1).length(0) ? 1 : 0;
        }
        assertTrue(
                spread < epoch.size(),
                "spread " + spread); // 200 records of 17 lengths, sorted: neighbours differ by 1 at most
        assertTrue(rising > 20 && rising < 80, "rising " + rising);
        assertEquals(RECORDS, order(epoch).length);
    }
}
