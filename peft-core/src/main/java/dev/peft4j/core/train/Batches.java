package dev.peft4j.core.train;

import dev.peft4j.core.model.PackedBatch;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** Endless batches of records, in a new order for each epoch. The last batch of an epoch may be smaller. */
final class Batches {
    private final List<PackedBatch.Sequence> records;
    private final int size;
    private final RandomGenerator random;
    private final int[] order;
    private int at;

    Batches(List<PackedBatch.Sequence> records, int size, long seed) {
        this.records = records;
        this.size = size;
        this.random = new SplittableRandom(seed);
        this.order = new int[records.size()];
        this.at = order.length;
        for (int i = 0; i < order.length; i++) {
            order[i] = i;
        }
    }

    PackedBatch next() {
        if (at == order.length) {
            shuffle();
            at = 0;
        }
        List<PackedBatch.Sequence> batch = new ArrayList<>();
        while (at < order.length && batch.size() < size) {
            batch.add(records.get(order[at++]));
        }
        return PackedBatch.of(batch);
    }

    /** Fisher and Yates. */
    private void shuffle() {
        for (int i = order.length - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int swap = order[i];
            order[i] = order[j];
            order[j] = swap;
        }
    }
}
