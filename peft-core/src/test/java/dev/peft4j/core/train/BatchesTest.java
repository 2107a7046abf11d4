package dev.peft4j.core.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.RatedAnswer;
import dev.peft4j.core.data.VariedSequence;
import dev.peft4j.core.error.BadInputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BatchesTest {
    private static final int RECORDS = 403;
    private static final int SIZE = 4;
    private static final Together ALONE = Together.of(HeadObjective.DEFAULT);

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

    private static Batches batches(int accumulation, boolean byLength) {
        return new Batches(
                records(),
                TrainingConfig.builder()
                        .batchSize(SIZE)
                        .groupByLength(byLength)
                        .accumulation(accumulation)
                        .seed(5)
                        .build(),
                ALONE);
    }

    /** The batches of as many steps as an epoch has. */
    private static List<Batch> epoch(Batches batches, int accumulation) {
        List<Batch> epoch = new ArrayList<>();
        int perEpoch = (RECORDS + SIZE - 1) / SIZE;
        for (int i = 0; i < (perEpoch + accumulation - 1) / accumulation; i++) {
            epoch.addAll(batches.next());
        }
        assertEquals(perEpoch, epoch.size(), "the last step of an epoch has the batches that are left");
        return epoch;
    }

    private static int[] order(List<Batch> epoch) {
        return epoch.stream()
                .map(PackedBatch.class::cast)
                .flatMapToInt(b -> Arrays.stream(b.starts()).map(s -> b.ids()[s]))
                .toArray();
    }

    @ParameterizedTest
    @CsvSource({"1,false", "1,true", "4,false", "4,true", "7,false", "1000,true"})
    void an_epoch_has_every_record_once_and_the_next_another_order(int accumulation, boolean byLength) {
        Batches batches = batches(accumulation, byLength);
        int[] first = order(epoch(batches, accumulation));
        int[] second = order(epoch(batches, accumulation));
        assertFalse(Arrays.equals(first, second));
        int[] all = IntStream.range(0, RECORDS).toArray();
        assertArrayEquals(all, Arrays.stream(first).sorted().toArray());
        assertArrayEquals(all, Arrays.stream(second).sorted().toArray());
        assertArrayEquals(first, order(epoch(batches(accumulation, byLength), accumulation)));
    }

    @Test
    void steps_that_are_skipped_draw_what_steps_that_are_made_draw() {
        Batches made = batches(4, true);
        Batches skipped = batches(4, true);
        for (int i = 0; i < 40; i++) { // into the second epoch
            assertEquals(made.next().size(), skipped.skip());
        }
        assertArrayEquals(order(made.next()), order(skipped.next()));
    }

    @Test
    void grouped_records_of_a_batch_have_like_lengths_and_batches_come_in_any_order() {
        List<Batch> epoch = epoch(batches(1, true), 1);
        int spread = 0;
        int rising = 0;
        for (int i = 0; i < epoch.size(); i++) {
            int[] lengths = ((PackedBatch) epoch.get(i)).lengths();
            spread += Arrays.stream(lengths).max().orElse(0)
                    - Arrays.stream(lengths).min().orElse(0);
            rising += i > 0 && lengths[0] > ((PackedBatch) epoch.get(i - 1)).length(0) ? 1 : 0;
        }
        assertTrue(
                spread < epoch.size(),
                "spread " + spread); // 200 records of 17 lengths, sorted: neighbours differ by 1 at most
        assertTrue(rising > 20 && rising < 80, "rising " + rising);
        assertEquals(RECORDS, order(epoch).length);
    }

    /** Three records whose only token is the number that says which variant it is; 7 where it is evaluated. */
    private static Batches varied(long seed) {
        VariedSequence record = new VariedSequence(
                PackedBatch.Sequence.of(7), number -> PackedBatch.Sequence.of((int) (number & Integer.MAX_VALUE)));
        return new Batches(
                List.of(record, record, record),
                TrainingConfig.builder().batchSize(3).seed(seed).build(),
                ALONE);
    }

    private static int[] variants(Batches batches) {
        return ((PackedBatch) batches.next().get(0)).ids();
    }

    @Test
    void a_varied_record_has_another_variant_in_each_epoch_and_the_same_one_behind_skipped_steps() {
        Batches made = varied(5);
        Batches again = varied(5);
        Set<Integer> seen = new HashSet<>();
        for (int i = 0; i < 10; i++) {
            int[] variants = variants(made);
            assertEquals(1, again.skip());
            Arrays.stream(variants).forEach(seen::add);
        }
        assertEquals(30, seen.size());
        int[] next = variants(made);
        assertArrayEquals(next, variants(again));
        Batches other = varied(6);
        assertTrue(Arrays.stream(variants(other)).noneMatch(seen::contains));
    }

    @Test
    void a_varied_record_is_evaluated_as_it_is_fixed_and_keeps_its_length() {
        VariedSequence record =
                new VariedSequence(PackedBatch.Sequence.of(7, 8), number -> PackedBatch.Sequence.of(1, 2, 3));
        assertArrayEquals(new int[] {7, 8}, ((PackedBatch) Batch.of(List.of(record))).ids());
        String message = String.valueOf(
                assertThrows(BadInputException.class, () -> record.inEpoch(1)).getMessage());
        assertTrue(message.contains("3 tokens") && message.contains("of 2."), message);
    }

    @ParameterizedTest
    @CsvSource({"9,4,false", "9,4,true", "9,2,false", "401,4,true", "10,4,false", "3,2,true", "4,8,false"})
    void no_pair_and_no_rated_answer_is_alone_in_its_batch(int count, int size, boolean byLength) {
        List<PackedBatch.Sequence> texts = IntStream.range(0, count)
                .mapToObj(i -> PackedBatch.Sequence.of(new int[i % 7 + 1]))
                .toList();
        List<PackedBatch.Pair> pairs =
                texts.stream().map(s -> new PackedBatch.Pair(s, s)).toList();
        requireNoneAlone(pairs, Together.of(HeadObjective.DEFAULT, pairs), size, byLength);
        List<RatedAnswer> rated =
                texts.stream().map(s -> new RatedAnswer(s, true)).toList();
        requireNoneAlone(rated, Together.of(KtoObjective.kto(), rated), size, byLength);
    }

    private static void requireNoneAlone(
            List<? extends Example> records, Together together, int size, boolean byLength) {
        Batches batches = new Batches(
                records,
                TrainingConfig.builder()
                        .batchSize(size)
                        .groupByLength(byLength)
                        .seed(5)
                        .build(),
                together);
        int sequences = records.get(0) instanceof PackedBatch.Pair ? 2 : 1;
        int counted = together.counted(records.size(), size);
        int perEpoch = (counted + size - 1) / size;
        for (int epoch = 0; epoch < 2; epoch++) {
            int sum = 0;
            for (int i = 0; i < perEpoch; i++) {
                int n = ((PackedBatch) batches.next().get(0)).sequences() / sequences;
                assertTrue(n > 1 && n <= size + 1, n + " examples");
                sum += n;
            }
            assertEquals(records.size(), sum, "an epoch has each once");
        }
    }

    @Test
    void a_rest_joins_only_if_it_is_too_small() {
        Together three = new Together(3, "triples");
        assertEquals(8, three.counted(10, 4));
        assertEquals(10, three.end(4, 4, 10));
        assertEquals(11, three.counted(11, 4));
        assertEquals(8, three.end(4, 4, 11));
        assertEquals(10, ALONE.counted(10, 4));
        assertEquals(2, ALONE.end(1, 1, 10));
        assertEquals(10, ALONE.end(1, Integer.MAX_VALUE, 10));
    }
}
