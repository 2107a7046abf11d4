package dev.peft4j.core.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Attention of the host over blocks, tiles and shares against the reference, which holds all scores of a head at once. */
class AttentionTest extends TwoEngines {
    private static final int SIZE = 5; // of heads

    /** The matrices of an attention and of its derivative. */
    private final class Case {
        final AttentionShape s;
        final Pair q;
        final Pair k;
        final Pair v;
        final Pair stats;
        final Pair y;
        final Pair dy;
        final Pair dq;
        final Pair dk;
        final Pair dv;

        @Nullable
        Pair fromQueries;

        @Nullable
        Pair fromKeys;

        @Nullable
        Pair dFromQueries;

        @Nullable
        Pair dFromKeys;

        int[] places = {};

        Case(AttentionShape s) {
            this.s = s;
            int last = s.sequences() - 1;
            int tokens = s.queryStart()[last] + s.queryCount()[last];
            int keys = s.keyStart()[last] + s.keyCount()[last];
            q = matrix(tokens, s.heads() * s.headSize());
            k = matrix(keys, s.keyHeads() * s.headSize());
            v = matrix(keys, s.keyHeads() * s.headSize());
            stats = matrix(tokens, s.heads());
            y = matrix(tokens, s.heads() * s.headSize());
            dy = matrix(tokens, s.heads() * s.headSize());
            dq = matrix(tokens, s.heads() * s.headSize());
            dk = matrix(keys, s.keyHeads() * s.headSize());
            dv = matrix(keys, s.keyHeads() * s.headSize());
        }

        /** With distances that have one of 7 places. */
        Case withDistances(boolean ofQueries, boolean ofKeys) {
            int longest = Arrays.stream(s.keyCount()).max().orElseThrow();
            places = new int[2 * longest - 1];
            Arrays.setAll(places, i -> Math.max(0, Math.min(6, (i - longest + 1) / 20 + 3)));
            fromQueries = ofQueries ? matrix(q.f32().rows(), s.heads() * 7) : null;
            dFromQueries = ofQueries ? matrix(q.f32().rows(), s.heads() * 7) : null;
            fromKeys = ofKeys ? matrix(k.f32().rows(), s.heads() * 7) : null;
            dFromKeys = ofKeys ? matrix(k.f32().rows(), s.heads() * 7) : null;
            return this;
        }

        void run(Backend e) {
            Kernels.Distances d =
                    places.length == 0 ? null : new Kernels.Distances(places, 0.3, of(fromQueries, e), of(fromKeys, e));
            e.kernels().attention(s, q.of(e), k.of(e), v.of(e), d, stats.of(e), y.of(e));
            e.kernels()
                    .attentionBackward(
                            s,
                            dy.of(e),
                            q.of(e),
                            k.of(e),
                            v.of(e),
                            d,
                            stats.of(e),
                            y.of(e),
                            dq.of(e),
                            dk.of(e),
                            dv.of(e),
                            of(dFromQueries, e),
                            of(dFromKeys, e));
        }

        private @Nullable Tensor of(@Nullable Pair p, Backend e) {
            return p == null ? null : p.of(e);
        }

        List<Pair> results() {
            List<Pair> all = new ArrayList<>(List.of(stats, y, dq, dk, dv));
            if (dFromQueries != null) {
                all.add(dFromQueries);
            }
            if (dFromKeys != null) {
                all.add(dFromKeys);
            }
            return all;
        }

        void check() {
            run(host);
            run(reference);
            for (Pair result : results()) {
                assertSame(result, 5e-5);
            }
        }
    }

    /** Sequences of so many queries, each with so many more keys in front. */
    private static AttentionShape shape(
            String lengths, int more, int heads, int keyHeads, boolean causal, int window, double cap, double dropout) {
        int[] counts =
                Arrays.stream(lengths.split(" ")).mapToInt(Integer::parseInt).toArray();
        int[] starts = new int[counts.length];
        for (int i = 1; i < counts.length; i++) {
            starts[i] = starts[i - 1] + counts[i - 1];
        }
        int[] inFront = new int[counts.length];
        Arrays.fill(inFront, more);
        return new AttentionShape(starts, counts, starts, counts, heads, keyHeads, SIZE, 0.4, causal, dropout, 7)
                .withWindow(window)
                .withSoftCap(cap)
                .withKeysInFront(inFront);
    }

    @ParameterizedTest
    @CsvSource({
        "1,            0, 2, 1, true,    0, 0,   0",
        "63 64 65,     0, 2, 2, true,    0, 0,   0.1",
        "127 1 200,    0, 2, 1, false,   0, 0,   0",
        "513,          0, 2, 1, true,    0, 0,   0",
        "513 3,        0, 1, 1, false,   0, 0,   0.2",
        "1000,         0, 2, 2, true,    0, 0,   0",
        "1000,         0, 1, 1, false,   0, 0,   0",
        "1000 7 300,   0, 3, 1, true,    0, 0,   0.1",
        "600 70,       0, 2, 1, true,    1, 0,   0",
        "600 70,       0, 2, 1, true,   20, 0,   0.1",
        "600 70,       0, 2, 1, true,  300, 0,   0",
        "600 70,       0, 2, 1, true, 2000, 0,   0",
        "600 70,       0, 2, 2, false,  20, 0,   0",
        "600 70,       0, 2, 1, false, 300, 0,   0.1",
        "600 70,       0, 2, 1, true,    0, 1.5, 0",
        "600 70,       0, 2, 1, false, 100, 0.5, 0.1",
        "5 130,        9, 2, 1, true,    0, 0,   0",
        "1 64 200,   400, 2, 1, true,    0, 0,   0.1",
        "1 40,       700, 2, 2, false,   0, 2,   0",
        "1 40,       700, 4, 2, true,   30, 0,   0",
        "1 1 1,    33000, 1, 1, true,    0, 0,   0",
        "300 0 20,     0, 2, 1, true,    0, 0,   0",
        "0 130,       50, 2, 2, true,   30, 0,   0",
        "0,            3, 2, 1, false,   0, 0,   0"
    })
    void attention_and_its_derivative_equal_the_reference(
            String lengths, int more, int heads, int keyHeads, boolean causal, int window, double cap, double dropout) {
        new Case(shape(lengths, more, heads, keyHeads, causal, window, cap, dropout)).check();
    }

    @ParameterizedTest
    @CsvSource({
        "1 65 200, true, true, 0",
        "7 300,    true, false, 0",
        "7 300,    false, true, 0",
        "600,      true, true, 0.1"
    })
    void what_distances_add_and_its_derivative_equal_the_reference(
            String lengths, boolean ofQueries, boolean ofKeys, double dropout) {
        new Case(shape(lengths, 0, 2, 2, false, 0, 0, dropout))
                .withDistances(ofQueries, ofKeys)
                .check();
    }

    /** The greatest scores are in a later tile, or in the first one; all are numbers that floats have. */
    @ParameterizedTest
    @ValueSource(ints = {30, -30, 300})
    void scores_that_grow_or_fall_from_tile_to_tile_equal_the_reference(int step) {
        int[] starts = {0};
        int[] counts = {700};
        Case c = new Case(new AttentionShape(starts, counts, starts, counts, 1, 1, SIZE, 0.5, false, 0, 0));
        for (int r = 0; r < 700; r++) {
            for (int j = 0; j < SIZE; j++) {
                int part = r / 128;
                set(c.k, r, j, j == 0 ? part * step : (r + j) % 7 * 0.125);
                set(c.q, r, j, j == 0 ? 1 : (r + 2 * j) % 5 * 0.125);
            }
        }
        c.run(host);
        c.run(reference);
        for (Pair result : List.of(c.stats, c.y, c.dk, c.dv)) { // dq is what is left of large keys
            assertSame(result, 5e-5);
        }
    }

    private static void set(Pair p, int row, int col, double value) {
        p.f32().set(row, col, value);
        p.f64().set(row, col, value);
    }

    @Test
    void a_query_that_sees_one_key_gives_its_score_no_derivative() {
        Case c = new Case(shape("200", 0, 2, 1, true, 1, 0, 0.1));
        c.run(host);
        for (float d : c.dq.f32().toFloats()) {
            assertEquals(0f, d);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "1000,          1, 1, true,    0, 0",
        "1000,          4, 2, true,    0, 0.1",
        "700,           2, 1, false,   0, 0",
        "900,           1, 1, true,  100, 0",
        "3 400 50 1 90, 6, 3, true,    0, 0",
        "20 400 50,     4, 4, false,   0, 0.1"
    })
    void any_number_of_threads_gives_the_same_bits(
            String lengths, int heads, int keyHeads, boolean causal, int window, double dropout) {
        Case c = new Case(shape(lengths, 0, heads, keyHeads, causal, window, 0, dropout));
        c.run(host);
        List<float[]> expected =
                c.results().stream().map(p -> p.f32().toFloats()).toList();
        for (int threads = 1; threads <= 3; threads++) {
            try (Backend backend = Backend.host(threads)) {
                for (Pair p : c.results()) {
                    p.f32().fill(Double.NaN);
                }
                c.run(backend);
                for (int i = 0; i < expected.size(); i++) {
                    int n = threads;
                    int result = i;
                    assertArrayEquals(
                            expected.get(i),
                            c.results().get(i).f32().toFloats(),
                            () -> "seed " + SEED + ", " + n + " threads, result " + result);
                }
            }
        }
    }

    @Test
    void a_step_like_an_earlier_one_allocates_no_native_memory() {
        Case large = new Case(shape("600 70", 0, 2, 1, true, 0, 0, 0.1));
        Case small = new Case(shape("90", 0, 2, 1, true, 0, 0, 0));
        large.run(host);
        small.run(host);
        long before = Tensor.nativeAllocations();
        for (int i = 0; i < 3; i++) {
            small.run(host);
            large.run(host);
        }
        assertEquals(before, Tensor.nativeAllocations());
    }

    @Test
    void dropout_drops_as_many_as_it_should_in_each_row_and_others_in_the_next() {
        float[] mask = new float[5000];
        float[] next = new float[5000];
        for (int row : new int[] {0, 1, 4095, Integer.MAX_VALUE - 1}) {
            Dropout.mask(0.1, Dropout.rowSeed(7, row, 11), 0, mask, 5000);
            Dropout.mask(0.1, Dropout.rowSeed(7, row + 1, 11), 0, next, 5000);
            for (int i = 0; i < 5000; i++) {
                boolean drops = Dropout.drops(0.1, Dropout.rowSeed(7, row, 11), i);
                assertEquals(drops ? 0f : 1 / 0.9f, mask[i], 1e-7, "place " + i);
            }
            int dropped = 0;
            int both = 0;
            for (int i = 0; i < 5000; i++) {
                dropped += mask[i] == 0 ? 1 : 0;
                both += mask[i] == 0 && next[i] == 0 ? 1 : 0;
            }
            int all = dropped;
            int same = both;
            assertTrue(Math.abs(dropped - 500) < 100, () -> "row " + row + ": " + all + " of 5000"); // 4.7 deviations
            assertTrue(Math.abs(both - 50) < 35, () -> "row " + row + ": " + same + " of 5000 in both"); // 5 deviations
        }
    }
}
