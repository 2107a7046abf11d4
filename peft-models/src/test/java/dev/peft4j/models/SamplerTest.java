package dev.peft4j.models;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.NonFiniteException;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Tokens are those of a plain sort of all logits. */
class SamplerTest {
    private static final double[] TEMPERATURES = {1e-300, 1e-3, 0.3, 0.8, 1, 1.7, 30, 1e9};
    private static final int[] TOP_K = {0, 1, 2, 3, 7, 50, 200, 5000};
    private static final double[] TOP_P = {1e-9, 1e-3, 0.1, 0.5, 0.9, 0.95, 0.999, 1 - 1e-12, 1};

    /** Sorts all tokens, the first of equals first. */
    private static int sorted(float[] logits, GenerationConfig config, RandomGenerator random) {
        if (config.temperature() == 0) {
            int best = 0;
            for (int i = 1; i < logits.length; i++) {
                best = logits[i] > logits[best] ? i : best;
            }
            return best;
        }
        int[] order = IntStream.range(0, logits.length)
                .boxed()
                .sorted((a, b) -> Float.compare(logits[b], logits[a]))
                .mapToInt(Integer::intValue)
                .toArray();
        int kept = config.topK() == 0 ? order.length : Math.min(config.topK(), order.length);
        double[] weights = new double[kept];
        double sum = 0;
        for (int i = 0; i < kept; i++) {
            weights[i] = Math.exp((logits[order[i]] - logits[order[0]]) / config.temperature());
            sum += weights[i];
        }
        double reached = 0;
        int nucleus = 0;
        while (nucleus < kept && reached < config.topP() * sum) {
            reached += weights[nucleus++];
        }
        double at = random.nextDouble() * reached;
        for (int i = 0; i < nucleus; i++) {
            at -= weights[i];
            if (at < 0) {
                return order[i];
            }
        }
        return order[nucleus - 1];
    }

    private static GenerationConfig config(double temperature, int topK, double topP) {
        return GenerationConfig.sampled(1, temperature, 0).withTop(topK, topP);
    }

    /** Logits of one of several shapes: smooth, with ties, all alike, with tokens that are not to be drawn, with zeros of both signs. */
    private static float[] logits(SplittableRandom random, int size) {
        float[] logits = new float[size];
        int shape = random.nextInt(6);
        double spread = Math.pow(10, random.nextDouble(-2, 2));
        for (int i = 0; i < size; i++) {
            double v = random.nextGaussian() * spread;
            logits[i] = switch (shape) {
                case 0 -> (float) v;
                case 1 -> Math.round(v);
                case 2 -> 3;
                case 3 -> random.nextBoolean() ? Float.NEGATIVE_INFINITY : (float) v;
                case 4 -> random.nextInt(3) == 0 ? 0f : -0f;
                default -> random.nextInt(size) == 0 ? (float) (20 + v) : (float) v;
            };
        }
        logits[random.nextInt(size)] = (float) (random.nextGaussian() * spread);
        return logits;
    }

    @Test
    void every_token_is_that_of_the_sorted_vocabulary() {
        for (int seed = 0; seed < 6000; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            int size = 1 + random.nextInt(random.nextBoolean() ? 12 : 900);
            GenerationConfig config = config(
                    random.nextInt(12) == 0 ? 0 : TEMPERATURES[random.nextInt(TEMPERATURES.length)],
                    TOP_K[random.nextInt(TOP_K.length)],
                    TOP_P[random.nextInt(TOP_P.length)]);
            Sampler sampler = new Sampler(config);
            for (int draw = 0; draw < 4; draw++) { // the working memory of one token is there for the next
                float[] logits = logits(random, size);
                float[] given = logits.clone();
                RandomGenerator one = new SplittableRandom(seed);
                RandomGenerator other = new SplittableRandom(seed);
                String what = "seed " + seed + ", draw " + draw + ", " + size + " logits, " + config;
                assertEquals(sorted(logits, config, one), sampler.choose(logits, other), what);
                assertEquals(one.nextLong(), other.nextLong(), "numbers drawn: " + what);
                assertArrayEquals(given, logits, what);
            }
        }
    }

    @Test
    void draws_of_a_vocabulary_of_the_usual_size_are_those_of_the_sorted_one() {
        List<GenerationConfig> configs = List.of(
                config(1, 0, 1), config(0.8, 0, 0.9), config(0.8, 50, 1), config(1.3, 2000, 0.95), config(20, 0, 0.5));
        SplittableRandom random = new SplittableRandom(5);
        float[] logits = new float[50257];
        for (GenerationConfig config : configs) {
            Sampler sampler = new Sampler(config);
            for (int draw = 0; draw < 8; draw++) {
                for (int i = 0; i < logits.length; i++) {
                    logits[i] = (float) (3 * random.nextGaussian());
                }
                SplittableRandom other = random.split();
                long seed = other.nextLong();
                assertEquals(
                        sorted(logits, config, new SplittableRandom(seed)),
                        sampler.choose(logits, new SplittableRandom(seed)),
                        config + ", draw " + draw);
            }
        }
    }

    /** A generator that gives one number. */
    private static RandomGenerator always(double number) {
        return new RandomGenerator() {
            @Override
            public long nextLong() {
                throw new AssertionError("only doubles are drawn");
            }

            @Override
            public double nextDouble() {
                return number;
            }
        };
    }

    @Test
    void draws_at_the_borders_between_tokens_are_those_of_the_sorted_vocabulary() {
        SplittableRandom random = new SplittableRandom(8);
        for (int round = 0; round < 400; round++) {
            int size = 2 + random.nextInt(40);
            float[] logits = new float[size];
            for (int i = 0; i < size; i++) {
                logits[i] = random.nextInt(4);
            }
            for (double p : new double[] {0.25, 0.5, 0.75, 1}) {
                GenerationConfig config = config(random.nextBoolean() ? 1e9 : 1, 0, p);
                Sampler sampler = new Sampler(config);
                for (int k = 0; k <= size; k++) {
                    double at = Math.min((double) k / size, Math.nextDown(1.0));
                    assertEquals(
                            sorted(logits, config, always(at)),
                            sampler.choose(logits, always(at)),
                            "round " + round + ", draw " + at + " of " + Arrays.toString(logits) + ", " + config);
                }
            }
        }
    }

    @Test
    void a_token_that_is_ruled_out_is_never_drawn() {
        float[] logits = new float[300];
        Arrays.fill(logits, Float.NEGATIVE_INFINITY);
        logits[17] = -40;
        logits[230] = -41;
        Sampler sampler = new Sampler(config(1e9, 0, 1));
        SplittableRandom random = new SplittableRandom(1);
        int[] counts = new int[300];
        for (int i = 0; i < 1000; i++) {
            counts[sampler.choose(logits, random)]++;
        }
        assertEquals(1000, counts[17] + counts[230]);
        assertTrue(counts[17] > 400 && counts[230] > 400, counts[17] + " and " + counts[230]);
    }

    @Test
    void logits_that_say_nothing_are_refused() {
        for (GenerationConfig config : List.of(config(0, 0, 1), config(1, 0, 0.9), config(1, 2, 1))) {
            Sampler sampler = new Sampler(config);
            for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
                for (int at = 0; at < 4; at++) {
                    float[] logits = {1, 2, 3, 4};
                    logits[at] = bad;
                    assertThrows(
                            NonFiniteException.class, () -> sampler.choose(logits, always(0.5)), config.toString());
                }
            }
            assertThrows(BadInputException.class, () -> sampler.choose(new float[0], always(0.5)));
        }
        float[] none = {Float.NEGATIVE_INFINITY, Float.NEGATIVE_INFINITY, Float.NEGATIVE_INFINITY};
        for (GenerationConfig config : List.of(config(0, 0, 1), config(1, 0, 0.9), config(1, 2, 1), config(1, 0, 1))) {
            assertThrows(NonFiniteException.class, () -> new Sampler(config).choose(none, always(0.5)));
        }
    }
}
