package dev.peft4j.core.tensor;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** What distances of tokens add to the scores of a tile of attention, on the host. */
final class HostDistances {
    private final AttentionShape s;
    private final int[] places;
    private final int zero; // where the place of the distance 0 is
    private final float factor;
    private final @Nullable Tensor queries;
    private final @Nullable Tensor keys;
    private final @Nullable Tensor dQueries;
    private final @Nullable Tensor dKeys;

    HostDistances(AttentionShape s, Kernels.Distances d) {
        this(s, d, null, null);
    }

    HostDistances(AttentionShape s, Kernels.Distances d, @Nullable Tensor dQueries, @Nullable Tensor dKeys) {
        this.s = s;
        this.places = d.places();
        this.zero = places.length / 2;
        this.factor = (float) d.factor();
        this.queries = d.queries();
        this.keys = d.keys();
        this.dQueries = dQueries;
        this.dKeys = dKeys;
    }

    /** The places of the distances of a tile: the lowest one, and how many follow from it on. */
    private record Places(int low, int count) {}

    private Places of(AttentionBlock.Tile tile) {
        int from = zero + tile.block().firstQuery() - tile.firstKey() - tile.keys() + 1;
        int to = zero + tile.block().firstQuery() + tile.block().queries() - tile.firstKey();
        int low = Integer.MAX_VALUE;
        int high = 0;
        for (int i = from; i < to; i++) {
            low = Math.min(low, places[i]);
            high = Math.max(high, places[i]);
        }
        return new Places(low, high - low + 1);
    }

    private int column(Tensor t, int head, Places p) {
        return head * (t.cols() / s.heads()) + p.low;
    }

    /** {@code scores[i, j] += factor · (queries[i, p] + keys[j, p])}, where p is the place of the distance i - j. */
    void add(AttentionBlock.Tile tile, int head, Tensor scores) {
        Places p = of(tile);
        int n = p.count;
        int row = s.queryStart()[tile.block().sequence()] + tile.block().firstQuery();
        float[] x = Scratch.array(0, tile.keys());
        float[] all = keys == null ? new float[0] : read(keys, tile, head, p);
        float[] own = Scratch.array(2, n);
        for (int i = 0; i < tile.block().queries(); i++) {
            int distance = zero + tile.block().firstQuery() + i - tile.firstKey();
            scores.read(0, i * tile.keys(), x, 0, tile.keys());
            if (queries != null) {
                queries.read(row + i, column(queries, head, p), own, 0, n);
                for (int j = 0; j < tile.keys(); j++) {
                    x[j] += factor * own[places[distance - j] - p.low];
                }
            }
            for (int j = 0; keys != null && j < tile.keys(); j++) {
                x[j] += factor * all[j * n + places[distance - j] - p.low];
            }
            scores.write(0, i * tile.keys(), x, 0, tile.keys());
        }
    }

    /** Some columns of a head, of the keys of a tile. */
    private float[] read(Tensor t, AttentionBlock.Tile tile, int head, Places p) {
        int first = s.keyStart()[tile.block().sequence()] + tile.firstKey();
        float[] all = Scratch.array(1, tile.keys() * p.count);
        for (int r = 0; r < tile.keys(); r++) {
            t.read(first + r, column(t, head, p), all, r * p.count, p.count);
        }
        return all;
    }

    /** Zeros for the derivatives of heads of a sequence. */
    void clear(int sequence, int head, int heads) {
        clear(dQueries, s.queryStart()[sequence], s.queryCount()[sequence], head, heads);
        clear(dKeys, s.keyStart()[sequence], s.keyCount()[sequence], head, heads);
    }

    private void clear(@Nullable Tensor t, int first, int rows, int head, int heads) {
        if (t != null) {
            int columns = t.cols() / s.heads();
            float[] zeros = Scratch.array(0, heads * columns);
            Arrays.fill(zeros, 0, heads * columns, 0f);
            for (int r = first; r < first + rows; r++) {
                t.write(r, head * columns, zeros, 0, heads * columns);
            }
        }
    }

    /** Adds what follows from the derivatives of the scores of a tile. */
    void derive(AttentionBlock.Tile tile, int head, Tensor dScores) {
        if (dQueries == null && dKeys == null) {
            return;
        }
        Places p = of(tile);
        int n = p.count;
        int row = s.queryStart()[tile.block().sequence()] + tile.block().firstQuery();
        float[] d = Scratch.array(0, tile.keys());
        float[] all = dKeys == null ? new float[0] : read(dKeys, tile, head, p);
        float[] own = Scratch.array(2, n);
        for (int i = 0; i < tile.block().queries(); i++) {
            int distance = zero + tile.block().firstQuery() + i - tile.firstKey();
            dScores.read(0, i * tile.keys(), d, 0, tile.keys());
            if (dQueries != null) {
                dQueries.read(row + i, column(dQueries, head, p), own, 0, n);
                for (int j = 0; j < tile.keys(); j++) {
                    own[places[distance - j] - p.low] += factor * d[j];
                }
                dQueries.write(row + i, column(dQueries, head, p), own, 0, n);
            }
            for (int j = 0; dKeys != null && j < tile.keys(); j++) {
                all[j * n + places[distance - j] - p.low] += factor * d[j];
            }
        }
        if (dKeys != null) {
            int first = s.keyStart()[tile.block().sequence()] + tile.firstKey();
            for (int r = 0; r < tile.keys(); r++) {
                dKeys.write(first + r, column(dKeys, head, p), all, r * n, n);
            }
        }
    }
}
