package dev.peft4j.models;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.NonFiniteException;
import java.util.Arrays;
import java.util.random.RandomGenerator;

/**
 * Chooses the next token by the scores of all. With the logits l, the greatest of them m and the temperature t, a token has the weight {@code e^((l - m) / t)}; it is
 * drawn by weight from the K greatest logits (Fan et al. 2018, <a href="https://arxiv.org/abs/1805.04833">paper</a>, section 5.4), and of these from the fewest whose
 * weights reach the part p of the sum (nucleus; Holtzman et al. 2020, <a href="https://arxiv.org/abs/1904.09751">paper</a>, section 3.1). Temperature 0 takes the
 * greatest logit. Equal logits count in the order of their tokens.
 *
 * <p>The result is that of sorting all tokens, which is not done: of the vocabulary only what the draw falls on is put in order.
 *
 * <p>Shapes: logits (V). Cost: V exponentials; with top-k only K of them. Its working memory stays, so it is not safe for several threads.
 */
public final class Sampler {
    private static final int BUCKETS = 2048;
    private static final double BUCKETS_PER_UNIT = 64; // of (m - l) / t: the last bucket begins at weights of e^-32

    private final double temperature;
    private final int topK;
    private final double topP;
    private final double scale;
    private final double[] bucketSums = new double[BUCKETS];
    private long[] keys = new long[0]; // tokens that are put in order
    private double[] weights = new double[0];

    /** Where a sum of weights in order passes a target. */
    private record Place(int token, double sum, boolean isCertain) {
        static final Place UNCERTAIN = new Place(0, 0, false);
    }

    /** Chooses with the temperature, top-k and top-p of a config; its seed is that of the generator which {@link #choose} is given. */
    public Sampler(GenerationConfig config) {
        this.temperature = config.temperature();
        this.topK = config.topK();
        this.topP = config.topP();
        this.scale = BUCKETS_PER_UNIT / temperature;
    }

    /**
     * The next token.
     *
     * @param logits of all tokens (V), which stay as they are; negative infinity for one that is not to be drawn
     * @param random is asked for one number, unless the temperature is 0
     * @throws NonFiniteException if a logit is NaN or positive infinity, or all that could be drawn are negative infinity
     */
    public int choose(float[] logits, RandomGenerator random) {
        int best = greatest(logits);
        if (temperature == 0) {
            return best;
        }
        double draw = random.nextDouble();
        if (topK == 0 || topK >= logits.length) {
            return drawOfAll(logits, logits[best], draw);
        }
        selectTop(logits);
        return drawInOrder(logits, topK, draw);
    }

    /** The first of the greatest logits. */
    private static int greatest(float[] logits) {
        if (logits.length == 0) {
            throw new BadInputException("a token was to be chosen, and there are no logits. Give one for each token.");
        }
        int best = 0;
        for (int i = 0; i < logits.length; i++) {
            if (!(logits[i] < Float.POSITIVE_INFINITY)) {
                throw notFinite();
            }
            best = logits[i] > logits[best] ? i : best;
        }
        if (logits[best] == Float.NEGATIVE_INFINITY) {
            throw notFinite();
        }
        return best;
    }

    private static NonFiniteException notFinite() {
        return new NonFiniteException("the scores of the next token");
    }

    /** Rises in the order of tokens: from the greatest logit to the least, and where they are equal by number. */
    private static long key(float logit, int token) {
        int bits = Float.floatToIntBits(logit);
        int rising = bits ^ ((bits >> 31) & Integer.MAX_VALUE); // in the order of Float.compare
        return (long) ~rising << 32 | token;
    }

    private static int token(long key) {
        return (int) key;
    }

    private double weight(float logit, float top) {
        return Math.exp((logit - top) / temperature);
    }

    private void makeRoom(int count) {
        if (keys.length < count) {
            keys = Arrays.copyOf(keys, Math.max(count, 2 * keys.length));
        }
    }

    /** Puts the keys of the K first tokens in order: a heap with the last of them on top while the others are looked at. */
    private void selectTop(float[] logits) {
        makeRoom(topK);
        for (int i = 0; i < topK; i++) {
            keys[i] = key(logits[i], i);
        }
        for (int i = topK / 2 - 1; i >= 0; i--) {
            siftDown(i);
        }
        float least = logits[token(keys[0])];
        for (int i = topK; i < logits.length; i++) {
            if (logits[i] >= least && key(logits[i], i) < keys[0]) {
                keys[0] = key(logits[i], i);
                siftDown(0);
                least = logits[token(keys[0])];
            }
        }
        Arrays.sort(keys, 0, topK);
    }

    private void siftDown(int from) {
        long moved = keys[from];
        int at = from;
        while (2 * at + 1 < topK) {
            int child = 2 * at + 1;
            if (child + 1 < topK && keys[child + 1] > keys[child]) {
                child++;
            }
            if (keys[child] <= moved) {
                break;
            }
            keys[at] = keys[child];
            at = child;
        }
        keys[at] = moved;
    }

    /** Draws from so many tokens whose keys are in order. */
    private int drawInOrder(float[] logits, int count, double draw) {
        if (weights.length < count) {
            weights = new double[count];
        }
        float top = logits[token(keys[0])];
        double sum = 0;
        for (int i = 0; i < count; i++) {
            weights[i] = weight(logits[token(keys[i])], top);
            sum += weights[i];
        }
        double reached = 0;
        int nucleus = 0;
        while (nucleus < count && reached < topP * sum) {
            reached += weights[nucleus++];
        }
        double at = draw * reached;
        for (int i = 0; i < nucleus; i++) {
            at -= weights[i];
            if (at < 0) {
                return token(keys[i]);
            }
        }
        return token(keys[nucleus - 1]);
    }

    /**
     * Draws from all tokens by sums of the weights in buckets, which follow each other in the order of tokens: only the bucket is sorted in which a sum passes its
     * target. These sums are added in another order than {@link #drawInOrder} adds; where that might matter, it decides.
     */
    private int drawOfAll(float[] logits, float top, double draw) {
        Arrays.fill(bucketSums, 0);
        for (float logit : logits) {
            bucketSums[bucket(logit, top)] += weight(logit, top);
        }
        double sum = 0;
        for (double s : bucketSums) {
            sum += s;
        }
        // each of two sums that are compared is off by up to V · 2^-53 of the whole, here and there; twice that
        double margin = 4.0 * (logits.length + 8) * Math.ulp(1.0) * sum;
        double reached = sum;
        if (topP < 1) {
            Place last = pass(logits, top, topP * sum, margin);
            if (!last.isCertain) {
                return drawOfSorted(logits, draw);
            }
            reached = last.sum;
        }
        Place drawn = pass(logits, top, draw * reached, margin);
        return drawn.isCertain ? drawn.token : drawOfSorted(logits, draw);
    }

    private int bucket(float logit, float top) {
        return (int) Math.min((top - logit) * scale, BUCKETS - 1);
    }

    /** The first token in order with which the sum of weights is above a target. */
    private Place pass(float[] logits, float top, double target, double margin) {
        double sum = 0;
        int bucket = 0;
        while (bucket < BUCKETS && sum + bucketSums[bucket] <= target) {
            sum += bucketSums[bucket++];
        }
        int count = collect(logits, top, bucket);
        for (int i = 0; i < count; i++) {
            int token = token(keys[i]);
            double before = sum;
            sum += weight(logits[token], top);
            if (sum > target) {
                boolean first = before == 0;
                return new Place(token, sum, sum - target > margin && (first || target - before > margin));
            }
        }
        return Place.UNCERTAIN;
    }

    /** Puts the keys of a bucket in order; returns how many there are. */
    private int collect(float[] logits, float top, int bucket) {
        int count = 0;
        for (int i = 0; i < logits.length; i++) {
            if (bucket(logits[i], top) == bucket) {
                makeRoom(count + 1);
                keys[count++] = key(logits[i], i);
            }
        }
        Arrays.sort(keys, 0, count);
        return count;
    }

    private int drawOfSorted(float[] logits, double draw) {
        makeRoom(logits.length);
        for (int i = 0; i < logits.length; i++) {
            keys[i] = key(logits[i], i);
        }
        Arrays.sort(keys, 0, logits.length);
        return drawInOrder(logits, logits.length, draw);
    }
}
