package dev.peft4j.core.train;

import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Example;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/**
 * The batches of the steps of a run, without end: each epoch is every record once, in a new order. One batch of an epoch may be smaller, and the last step
 * of an epoch may have fewer batches, as in transformers. What chance does to a record in an epoch ({@link Example#inEpoch}) follows from the seed of the run,
 * the number of the epoch and the number of the record.
 *
 * <p>Where examples are compared with each other ({@link Together}), a rest of an epoch that would be too small for a batch joins the batch before it.
 *
 * <p>Grouped by length, the records of 50 batches at a time are sorted by their length and cut into batches, whose order is drawn again: as in transformers'
 * {@code group_by_length}.
 */
final class Batches {
    private static final int WINDOW = 50; // batches
    private static final long EPOCHS = 0x632BE59BD9B4E019L; // so that these numbers are not those of the order

    private final List<? extends Example> records;
    private final int size;
    private final int perStep;
    private final Together together;
    private final boolean byLength;
    private final RandomGenerator random;
    private final RandomGenerator epochSeeds;
    private final Integer[] order;
    private List<List<Integer>> epoch = List.of();
    private long epochSeed;
    private int at;

    Batches(List<? extends Example> records, TrainingConfig config, Together together) {
        this.records = records;
        this.together = together;
        this.size = config.batchSize();
        this.perStep = config.accumulation();
        this.byLength = config.groupByLength();
        this.random = new SplittableRandom(config.seed());
        this.epochSeeds = new SplittableRandom(config.seed() ^ EPOCHS);
        this.order = new Integer[records.size()];
        Arrays.setAll(order, i -> i);
    }

    /** The batches of the next step. */
    List<Batch> next() {
        return plan().stream().map(Supplier::get).toList();
    }

    /** What makes the batches of the next step: each can be asked on any thread, and then makes the same. */
    List<Supplier<Batch>> plan() {
        List<List<Integer>> step = numbers();
        long seed = epochSeed;
        List<Supplier<Batch>> plan = new ArrayList<>();
        step.forEach(batch -> plan.add(
                () -> Batch.of(batch.stream().map(i -> inEpoch(i, seed)).toList())));
        return plan;
    }

    private Example inEpoch(int record, long seed) {
        return records.get(record).inEpoch(new SplittableRandom(seed + record).nextLong());
    }

    /** Goes on to the step behind the next one, and tells how many batches that one had. */
    int skip() {
        return numbers().size();
    }

    /** The records of the batches of the next step. */
    private List<List<Integer>> numbers() {
        if (at == epoch.size()) {
            epoch = epoch();
            at = 0;
        }
        int from = at;
        at = (int) Math.min(epoch.size(), (long) from + perStep);
        return epoch.subList(from, at);
    }

    private List<List<Integer>> epoch() {
        epochSeed = epochSeeds.nextLong();
        shuffle(order);
        Integer[] sorted = order.clone();
        int window = (int) Math.min(sorted.length, (long) WINDOW * size);
        for (int from = 0; byLength && from < sorted.length; from += window) {
            int to = Math.min(sorted.length, from + window);
            Arrays.sort(sorted, from, to, Comparator.comparingInt(i -> records.get(i)
                    .length()));
        }
        List<List<Integer>> batches = new ArrayList<>();
        int to = 0;
        for (int from = 0; from < sorted.length; from = to) {
            to = together.end(from, size, sorted.length);
            batches.add(Arrays.asList(sorted).subList(from, to));
        }
        if (byLength) {
            Integer[] turns = new Integer[batches.size()];
            Arrays.setAll(turns, i -> i);
            shuffle(turns);
            return Arrays.stream(turns).map(batches::get).toList();
        }
        return batches;
    }

    /** Fisher and Yates. */
    private void shuffle(Integer[] numbers) {
        for (int i = numbers.length - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            Integer swap = numbers[i];
            numbers[i] = numbers[j];
            numbers[j] = swap;
        }
    }
}
