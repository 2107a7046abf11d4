package dev.peft4j.core.tensor;

import java.util.Arrays;

/**
 * How the derivative of attention is cut into tasks: each is a share of the blocks of queries of a key head, which adds to all its keys and values one after
 * the other. Where there are few key heads, the blocks of each are dealt out to several shares; the first adds to the result, the others to sums of their
 * own, which are added in their order. How many there are follows from the shape alone, and so do the bits.
 */
final class AttentionShares {
    private static final int SHARES = 16; // of all sequences and heads, at least
    private static final long MOST_SUMS = 1 << 24; // elements of the sums of a head

    private final AttentionShape s;
    private final Tensor dk;
    private final Tensor dv;
    private final int[] counts; // of each key head of a sequence
    private final int[] tasks; // the first of each sequence
    private final int[] sumStarts; // the first of each sequence
    private final Tensor sums; // of this thread; the others add to their parts of it

    /**
     * Cuts a derivative.
     *
     * @param whole whether all blocks of a key head have to be one share
     */
    AttentionShares(AttentionShape s, boolean whole, Tensor dk, Tensor dv) {
        this.s = s;
        this.dk = dk;
        this.dv = dv;
        counts = counts(s, whole);
        tasks = new int[s.sequences() + 1];
        sumStarts = new int[s.sequences() + 1];
        for (int seq = 0; seq < s.sequences(); seq++) {
            tasks[seq + 1] = tasks[seq] + s.keyHeads() * counts[seq];
            sumStarts[seq + 1] = sumStarts[seq] + 2 * (counts[seq] - 1) * s.keyHeads() * elements(seq);
        }
        sums = AttentionScratch.get().sums(sumStarts[s.sequences()]);
    }

    private static int[] counts(AttentionShape s, boolean whole) {
        int group = s.heads() / s.keyHeads();
        long[] work = new long[s.sequences()];
        long all = 0;
        for (int seq = 0; seq < s.sequences(); seq++) {
            for (int i = 0; i < AttentionBlock.count(s, seq); i++) {
                AttentionBlock b = AttentionBlock.of(s, seq, i);
                work[seq] += (long) group * b.queries() * b.keys();
            }
            all += s.keyHeads() * work[seq];
        }
        int[] counts = new int[s.sequences()];
        for (int seq = 0; seq < s.sequences(); seq++) {
            long wanted = whole || all == 0 ? 1 : (SHARES * work[seq] + all - 1) / all;
            long blocks = (long) group * AttentionBlock.count(s, seq);
            long room = MOST_SUMS / Math.max(1, (long) s.keyCount()[seq] * s.headSize());
            counts[seq] = (int) Math.max(1, Math.min(Math.min(wanted, blocks / 2), room));
        }
        return counts;
    }

    /** Elements of the keys of a head. */
    private int elements(int seq) {
        return s.keyCount()[seq] * s.headSize();
    }

    int tasks() {
        return tasks[s.sequences()];
    }

    /**
     * The blocks {@code index}, {@code index + of} and so on of a key head, of all its query heads one behind the other.
     *
     * @param dk (keys, H), where it adds the derivatives of the keys
     * @param dv (keys, H)
     */
    record Share(int sequence, int keyHead, int index, int of, Tensor dk, Tensor dv) {
        void clear() {
            float[] zeros = Scratch.array(0, dk.cols());
            Arrays.fill(zeros, 0, dk.cols(), 0f);
            for (int r = 0; r < dk.rows(); r++) {
                dk.write(r, 0, zeros, 0, dk.cols());
                dv.write(r, 0, zeros, 0, dv.cols());
            }
        }
    }

    Share share(int task) {
        int seq = HostAttention.sequence(tasks, task);
        int keyHead = (task - tasks[seq]) / counts[seq];
        int index = (task - tasks[seq]) % counts[seq];
        return new Share(
                seq,
                keyHead,
                index,
                counts[seq],
                target(dk, 0, seq, keyHead, index),
                target(dv, 1, seq, keyHead, index));
    }

    private Tensor target(Tensor result, int side, int seq, int keyHead, int index) {
        int keys = s.keyCount()[seq];
        return index == 0
                ? result.rows(s.keyStart()[seq], keys).columns(keyHead * s.headSize(), s.headSize())
                : sums.columns(sumStart(side, seq, keyHead, index), elements(seq))
                        .reshape(keys, s.headSize());
    }

    private int sumStart(int side, int seq, int keyHead, int index) {
        return sumStarts[seq] + ((side * s.keyHeads() + keyHead) * (counts[seq] - 1) + index - 1) * elements(seq);
    }

    /** Adds what the shares but the first have summed up. */
    void add(Workers workers) {
        for (int each = 0; each < s.sequences(); each++) {
            int seq = each;
            if (counts[seq] > 1) {
                workers.forRange(s.keyCount()[seq], 64, (from, to) -> {
                    for (int r = from; r < to; r++) {
                        for (int keyHead = 0; keyHead < s.keyHeads(); keyHead++) {
                            add(dk, 0, seq, keyHead, r);
                            add(dv, 1, seq, keyHead, r);
                        }
                    }
                });
            }
        }
    }

    private void add(Tensor result, int side, int seq, int keyHead, int key) {
        int size = s.headSize();
        float[] sum = Scratch.array(0, size);
        float[] more = Scratch.array(1, size);
        int row = s.keyStart()[seq] + key;
        result.read(row, keyHead * size, sum, 0, size);
        for (int i = 1; i < counts[seq]; i++) {
            sums.read(0, sumStart(side, seq, keyHead, i) + key * size, more, 0, size);
            for (int j = 0; j < size; j++) {
                sum[j] += more[j];
            }
        }
        result.write(row, keyHead * size, sum, 0, size);
    }
}
