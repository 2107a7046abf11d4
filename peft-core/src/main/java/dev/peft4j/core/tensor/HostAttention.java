package dev.peft4j.core.tensor;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Attention of packed sequences with a running softmax (Dao et al. 2022, <a href="https://arxiv.org/abs/2205.14135">paper</a>, algorithm 1; Rabe and Staats
 * 2021): a task is a block of queries of a head, which goes through its keys tile by tile. What it has summed up so far is scaled down when a greater score
 * comes. The products are strided ones: the matrices of a head are columns of the packed ones, and nothing is copied. Weights are never kept.
 */
final class HostAttention {
    private final TileProducts products;
    private final AttentionShape s;
    private final Tensor q;
    private final Tensor k;
    private final Tensor v;
    private final @Nullable HostDistances distances;
    private final Tensor stats;
    private final Tensor y;

    HostAttention(
            TileProducts products,
            AttentionShape s,
            Tensor q,
            Tensor k,
            Tensor v,
            Kernels.@Nullable Distances distances,
            Tensor stats,
            Tensor y) {
        this.products = products;
        this.s = s;
        this.q = q;
        this.k = k;
        this.v = v;
        this.distances = distances == null ? null : new HostDistances(s, distances);
        this.stats = stats;
        this.y = y;
    }

    void run(Workers workers) {
        int[] tasks = new int[s.sequences() + 1];
        for (int seq = 0; seq < s.sequences(); seq++) {
            tasks[seq + 1] = tasks[seq] + s.heads() * AttentionBlock.count(s, seq);
        }
        AttentionScratch.get(); // of this thread in its first step, also if others do all of this one
        workers.forRange(tasks[s.sequences()], 1, (from, to) -> {
            for (int task = from; task < to; task++) {
                int seq = sequence(tasks, task);
                int blocks = AttentionBlock.count(s, seq);
                int own = task - tasks[seq];
                block(AttentionBlock.of(s, seq, blocks - 1 - own % blocks), own / blocks); // the longest first
            }
        });
    }

    /** The sequence that a task belongs to, of those whose tasks begin at {@code firsts}. */
    static int sequence(int[] firsts, int task) {
        int low = 0;
        int high = firsts.length - 1;
        while (high - low > 1) {
            int middle = (low + high) >>> 1;
            if (firsts[middle] <= task) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return low;
    }

    private void block(AttentionBlock b, int head) {
        AttentionScratch scratch = AttentionScratch.get();
        Arrays.fill(scratch.max, 0, b.queries(), Float.NEGATIVE_INFINITY);
        Arrays.fill(scratch.sum, 0, b.queries(), 0f);
        int size = s.headSize();
        int row = s.queryStart()[b.sequence()] + b.firstQuery();
        int keyHead = head / (s.heads() / s.keyHeads());
        int tiles = b.tiles();
        for (int i = 0; i < tiles; i++) {
            AttentionBlock.Tile tile = b.tile(i);
            int keyRow = s.keyStart()[b.sequence()] + tile.firstKey();
            scores(products, s, tile, head, q, k, distances, scratch.scores());
            softmax(tile, head, tiles == 1, scratch);
            if (i > 0) {
                scale(row, b.queries(), head, scratch.factor);
            }
            // y += weights v
            products.multiply(
                    false,
                    false,
                    b.queries(),
                    size,
                    tile.keys(),
                    1f,
                    scratch.scores().address(),
                    tile.keys(),
                    v.address(keyRow, keyHead * size),
                    v.stride(),
                    i == 0 ? 0f : 1f,
                    y.address(row, head * size),
                    y.stride());
        }
        for (int i = 0; i < b.queries(); i++) {
            stats.put(row + i, head, scratch.max[i] + Math.log(scratch.sum[i]));
            scratch.factor[i] = 1 / scratch.sum[i];
        }
        if (tiles > 1) {
            scale(row, b.queries(), head, scratch.factor);
        }
    }

    /** {@code scores = scale · q kᵀ}, with what distances add, before the cap. */
    static void scores(
            TileProducts products,
            AttentionShape s,
            AttentionBlock.Tile tile,
            int head,
            Tensor q,
            Tensor k,
            @Nullable HostDistances distances,
            Tensor scores) {
        AttentionBlock b = tile.block();
        int size = s.headSize();
        products.multiply(
                false,
                true,
                b.queries(),
                tile.keys(),
                size,
                (float) s.scale(),
                q.address(s.queryStart()[b.sequence()] + b.firstQuery(), head * size),
                q.stride(),
                k.address(s.keyStart()[b.sequence()] + tile.firstKey(), head / (s.heads() / s.keyHeads()) * size),
                k.stride(),
                0f,
                scores.address(),
                tile.keys());
        if (distances != null) {
            distances.add(tile, head, scores);
        }
    }

    /** Turns the scores of a tile into {@code e^(score - max)}, divided by their sum if there is no other tile. */
    private void softmax(AttentionBlock.Tile tile, int head, boolean alone, AttentionScratch scratch) {
        int keys = tile.keys();
        int step = tile.rowsAtOnce();
        int queries = tile.block().queries();
        int row = s.queryStart()[tile.block().sequence()] + tile.block().firstQuery();
        for (int first = 0; first < queries; first += step) {
            int rows = Math.min(step, queries - first);
            int n = rows * keys;
            float[] x = Scratch.array(0, n);
            scratch.scores().read(0, first * keys, x, 0, n);
            if (s.softCap() > 0) {
                cap(x, n, (float) s.softCap());
            }
            for (int i = 0; i < rows; i++) {
                int from = i * keys + tile.from(s, first + i);
                int to = i * keys + tile.to(s, first + i);
                float before = scratch.max[first + i];
                float max = Math.max(before, FastMath.max(x, from, to));
                scratch.max[first + i] = max;
                scratch.factor[first + i] = max == before ? 1f : (float) Math.exp(before - max);
                for (int j = from; j < to; j++) {
                    x[j] -= max;
                }
            }
            FastMath.exp(x, x, n);
            for (int i = 0; i < rows; i++) {
                int from = i * keys + tile.from(s, first + i);
                int to = i * keys + tile.to(s, first + i);
                hide(x, i * keys, from, to, keys);
                float sum = scratch.sum[first + i] * scratch.factor[first + i] + FastMath.sum(x, from, to);
                scratch.sum[first + i] = sum;
                if (alone) {
                    float factor = 1 / sum;
                    for (int j = from; j < to; j++) {
                        x[j] *= factor;
                    }
                }
                if (s.dropout() > 0) {
                    long seed = Dropout.rowSeed(s.seed(), row + first + i, head);
                    drop(s.dropout(), seed, tile.firstKey(), x, i * keys, keys);
                }
            }
            scratch.scores().write(0, first * keys, x, 0, n);
        }
    }

    /** Zeros for the keys of a row that begins at {@code start}, but for those between. */
    static void hide(float[] x, int start, int from, int to, int keys) {
        for (int j = start; j < from; j++) {
            x[j] = 0f;
        }
        for (int j = to; j < start + keys; j++) {
            x[j] = 0f;
        }
    }

    private static void drop(double p, long seed, int firstKey, float[] x, int start, int keys) {
        float[] mask = Scratch.array(6, keys);
        Dropout.mask(p, seed, firstKey, mask, keys);
        for (int j = 0; j < keys; j++) {
            x[start + j] *= mask[j];
        }
    }

    /** {@code cap · tanh(x / cap)}. */
    private static void cap(float[] x, int n, float cap) {
        for (int j = 0; j < n; j++) {
            x[j] = cap * FastMath.tanh(x[j] / cap);
        }
    }

    /** Multiplies rows of a head of y. */
    private void scale(int row, int rows, int head, float[] factors) {
        int size = s.headSize();
        float[] values = Scratch.array(1, size);
        for (int i = 0; i < rows; i++) {
            float factor = factors[i];
            if (factor != 1f) {
                y.read(row + i, head * size, values, 0, size);
                for (int j = 0; j < size; j++) {
                    values[j] *= factor;
                }
                y.write(row + i, head * size, values, 0, size);
            }
        }
    }
}
