package dev.peft4j.core.tensor;

/**
 * A block of the queries of one sequence, and the keys that some of them see. Its keys are gone through in tiles, so that the scores of a tile stay in the
 * cache of a processor. All of it follows from the shape alone, as the bits of the results do.
 *
 * @param sequence which one
 * @param firstQuery of the sequence
 * @param queries how many
 * @param firstKey of the sequence
 * @param keys how many
 */
record AttentionBlock(int sequence, int firstQuery, int queries, int firstKey, int keys) {
    /** Most scores of a tile. */
    static final int TILE = 1 << 15;

    /** Most queries of a block. */
    static final int QUERIES = 128;

    private static final int FEW = 64; // queries of a block where much of a larger one would be hidden
    private static final int SHORT = 256; // keys that are few
    private static final int AT_ONCE = 2048; // scores
    private static final int ALIGNMENT = 16;

    /** The blocks of a sequence. */
    static int count(AttentionShape s, int sequence) {
        int size = size(s, sequence);
        return (s.queryCount()[sequence] + size - 1) / size;
    }

    /** One of the blocks of a sequence. */
    static AttentionBlock of(AttentionShape s, int sequence, int index) {
        int size = size(s, sequence);
        int first = index * size;
        int count = Math.min(size, s.queryCount()[sequence] - first);
        int key = s.from(sequence, first);
        return new AttentionBlock(sequence, first, count, key, s.to(sequence, first + count - 1) - key);
    }

    private static int size(AttentionShape s, int sequence) {
        boolean hides = s.causal() || s.window() > 0;
        int seen = s.window() == 0 ? s.keyCount()[sequence] : Math.min(s.window(), s.keyCount()[sequence]);
        return hides && seen <= SHORT ? FEW : QUERIES;
    }

    /** The tiles of the block; each has a multiple of 16 keys but the last. */
    int tiles() {
        return (keys + most() - 1) / most();
    }

    private int most() {
        return TILE / queries / ALIGNMENT * ALIGNMENT;
    }

    /** One of the tiles. */
    Tile tile(int index) {
        int even = (keys + tiles() - 1) / tiles();
        int width = (even + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        int first = firstKey + index * width;
        return new Tile(this, first, Math.min(width, firstKey + keys - first));
    }

    /** Some keys that the queries of a block may see. */
    record Tile(AttentionBlock block, int firstKey, int keys) {
        /** The first key of the tile that a query of the block sees. */
        int from(AttentionShape s, int query) {
            return Math.min(keys, Math.max(0, s.from(block.sequence, block.firstQuery + query) - firstKey));
        }

        /** The key behind the last one that it sees; not below {@link #from}. */
        int to(AttentionShape s, int query) {
            int to = Math.min(keys, s.to(block.sequence, block.firstQuery + query) - firstKey);
            return Math.max(to, from(s, query));
        }

        /** How many queries are worked on at once, so that their scores stay in the nearest cache. */
        int rowsAtOnce() {
            return Math.max(1, AT_ONCE / keys);
        }
    }
}
