package dev.peft4j.core.tensor;

import org.jspecify.annotations.Nullable;

/**
 * Derivative of {@link HostAttention} (Dao et al. 2022, <a href="https://arxiv.org/abs/2205.14135">paper</a>, appendix B.2): the weights of a tile are computed
 * again from its scores and the log-sum-exp of each query.
 */
final class HostAttentionBackward {
    private final TileProducts products;
    private final AttentionShape s;
    private final Tensor dy;
    private final Tensor q;
    private final Tensor k;
    private final Tensor v;
    private final @Nullable HostDistances distances;
    private final Tensor y;
    private final Tensor stats;
    private final Tensor dq;
    private final Tensor dk;
    private final Tensor dv;
    private final int group;
    private final int size;

    HostAttentionBackward(
            TileProducts products,
            AttentionShape s,
            Tensor dy,
            Tensor q,
            Tensor k,
            Tensor v,
            @Nullable HostDistances distances,
            Tensor stats,
            Tensor y,
            Tensor dq,
            Tensor dk,
            Tensor dv) {
        this.products = products;
        this.s = s;
        this.dy = dy;
        this.q = q;
        this.k = k;
        this.v = v;
        this.distances = distances;
        this.y = y;
        this.stats = stats;
        this.dq = dq;
        this.dk = dk;
        this.dv = dv;
        this.group = s.heads() / s.keyHeads();
        this.size = s.headSize();
    }

    void run(Workers workers) {
        AttentionShares shares = new AttentionShares(s, distances != null, dk, dv);
        workers.forRange(shares.tasks(), 1, (from, to) -> {
            for (int task = from; task < to; task++) {
                share(shares.share(task));
            }
        });
        shares.add(workers);
    }

    private void share(AttentionShares.Share share) {
        int seq = share.sequence();
        int blocks = AttentionBlock.count(s, seq);
        if (distances != null) {
            distances.clear(seq, share.keyHead() * group, group);
        }
        boolean adds = false;
        for (int i = share.index(); i < group * blocks; i += share.of()) {
            // the last block sees all keys if none are far, so it comes first and sets what the others add to
            AttentionBlock b = AttentionBlock.of(s, seq, blocks - 1 - i % blocks);
            if (!adds && b.keys() < s.keyCount()[seq]) {
                share.clear();
                adds = true;
            }
            block(b, share.keyHead() * group + i / blocks, share, adds);
            adds = true;
        }
        if (!adds) { // no queries
            share.clear();
        }
    }

    private void block(AttentionBlock b, int head, AttentionShares.Share share, boolean adds) {
        AttentionScratch scratch = AttentionScratch.get();
        int keyColumn = share.keyHead() * size;
        float beta = adds ? 1f : 0f;
        int row = s.queryStart()[b.sequence()] + b.firstQuery();
        int column = head * size;
        float scale = (float) s.scale();
        readStats(row, b.queries(), b.tiles(), head, scratch);
        for (int i = 0; i < b.tiles(); i++) {
            AttentionBlock.Tile tile = b.tile(i);
            int keys = tile.keys();
            int keyRow = s.keyStart()[b.sequence()] + tile.firstKey();
            long scores = scratch.scores().address();
            long gradients = scratch.gradients().address();
            HostAttention.scores(products, s, tile, head, q, k, distances, scratch.scores());
            // dweights = dy vᵀ
            products.multiply(
                    false,
                    true,
                    b.queries(),
                    keys,
                    size,
                    1f,
                    dy.address(row, column),
                    dy.stride(),
                    v.address(keyRow, keyColumn),
                    v.stride(),
                    0f,
                    gradients,
                    keys);
            derive(tile, head, scratch);
            if (distances != null) {
                distances.derive(tile, head, scratch.gradients());
            }
            // dv += weightsᵀ dy
            products.multiply(
                    true,
                    false,
                    keys,
                    size,
                    b.queries(),
                    1f,
                    scores,
                    keys,
                    dy.address(row, column),
                    dy.stride(),
                    beta,
                    share.dv().address(tile.firstKey(), 0),
                    share.dv().stride());
            // dq += scale · dscores k
            products.multiply(
                    false,
                    false,
                    b.queries(),
                    size,
                    keys,
                    scale,
                    gradients,
                    keys,
                    k.address(keyRow, keyColumn),
                    k.stride(),
                    i == 0 ? 0f : 1f,
                    dq.address(row, column),
                    dq.stride());
            // dk += scale · dscoresᵀ q
            products.multiply(
                    true,
                    false,
                    keys,
                    size,
                    b.queries(),
                    scale,
                    gradients,
                    keys,
                    q.address(row, column),
                    q.stride(),
                    beta,
                    share.dk().address(tile.firstKey(), 0),
                    share.dk().stride());
        }
    }

    /** The log-sum-exp of each query of a block, and {@code Σ dy · y}, which is the sum of its weights times their derivatives. */
    private void readStats(int row, int queries, int tiles, int head, AttentionScratch scratch) {
        float[] a = Scratch.array(0, size);
        float[] b = Scratch.array(1, size);
        for (int i = 0; i < queries; i++) {
            scratch.max[i] = (float) stats.value(row + i, head);
        }
        for (int i = 0; tiles > 1 && i < queries; i++) {
            dy.read(row + i, head * size, a, 0, size);
            y.read(row + i, head * size, b, 0, size);
            scratch.sum[i] = FastMath.dot(a, b, size);
        }
    }

    /**
     * Turns scores into weights w after dropout, and the derivatives of these into those of the scores: {@code w · (dw - Σ dy · y)}, times
     * {@code 1 - tanh²(score / cap)} with a cap.
     */
    private void derive(AttentionBlock.Tile tile, int head, AttentionScratch scratch) {
        int keys = tile.keys();
        int step = tile.rowsAtOnce();
        AttentionBlock b = tile.block();
        int row = s.queryStart()[b.sequence()] + b.firstQuery();
        float cap = (float) s.softCap();
        for (int first = 0; first < b.queries(); first += step) {
            int rows = Math.min(step, b.queries() - first);
            int n = rows * keys;
            float[] w = Scratch.array(0, n);
            float[] d = Scratch.array(1, n);
            float[] t = Scratch.array(2, cap > 0 ? n : 0);
            scratch.scores().read(0, first * keys, w, 0, n);
            scratch.gradients().read(0, first * keys, d, 0, n);
            if (cap > 0) {
                for (int j = 0; j < n; j++) {
                    t[j] = FastMath.tanh(w[j] / cap);
                }
                for (int j = 0; j < n; j++) {
                    w[j] = cap * t[j];
                }
            }
            for (int i = 0; i < rows; i++) {
                float shift = scratch.max[first + i];
                int to = i * keys + tile.to(s, first + i);
                for (int j = i * keys + tile.from(s, first + i); j < to; j++) {
                    w[j] -= shift;
                }
            }
            FastMath.exp(w, w, n);
            for (int i = 0; i < rows; i++) {
                int query = first + i;
                long seed = s.dropout() > 0 ? Dropout.rowSeed(s.seed(), row + query, head) : 0;
                derive(tile, query, i * keys, w, d, scratch.sum[query], seed);
            }
            if (cap > 0) {
                for (int j = 0; j < n; j++) {
                    d[j] *= 1 - t[j] * t[j];
                }
            }
            scratch.scores().write(0, first * keys, w, 0, n);
            scratch.gradients().write(0, first * keys, d, 0, n);
        }
    }

    /** The same for one query, whose scores begin at {@code start}. */
    private void derive(AttentionBlock.Tile tile, int query, int start, float[] w, float[] d, float inner, long seed) {
        int keys = tile.keys();
        int from = start + tile.from(s, query);
        int to = start + tile.to(s, query);
        HostAttention.hide(w, start, from, to, keys);
        HostAttention.hide(d, start, from, to, keys);
        float[] mask = Scratch.array(6, s.dropout() > 0 ? keys : 0);
        if (s.dropout() > 0) {
            Dropout.mask(s.dropout(), seed, tile.firstKey(), mask, keys);
            multiply(d, start, mask, keys);
        }
        float sum = isWhole(tile) ? FastMath.dot(w, d, from, to) : inner;
        for (int j = from; j < to; j++) {
            d[j] = w[j] * (d[j] - sum);
        }
        if (s.dropout() > 0) {
            multiply(w, start, mask, keys);
        }
    }

    /** Whether there are no other tiles: what is left of equal derivatives is nothing then, and not what was rounded. */
    private static boolean isWhole(AttentionBlock.Tile tile) {
        return tile.keys() == tile.block().keys();
    }

    private static void multiply(float[] x, int start, float[] mask, int keys) {
        for (int j = 0; j < keys; j++) {
            x[start + j] *= mask[j];
        }
    }
}
