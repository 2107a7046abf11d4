package dev.peft4j.core.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.FeatureBatch;
import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.data.VariedImage;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.layer.Losses;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is drawn to mix a batch, and what cannot be mixed. */
class MixupTest {
    private static final int DRAWS = 100_000;
    private static final double SIGMAS = 5;
    private static final int[] THREE = {0, 1, 2};

    /** Image i has the pixel i, and one of the labels. */
    private static ImageBatch batch(int... labels) {
        return ImageBatch.of(IntStream.range(0, labels.length)
                .mapToObj(
                        i -> new ImageBatch.Image(new float[] {i}, 1, 1, 1, new Targets.Classes(new int[] {labels[i]})))
                .toList());
    }

    private static Targets.MixedClasses drawn(double alpha, long seed, int... labels) {
        return (Targets.MixedClasses)
                new Mixup(alpha).mixed(batch(labels), seed).targets();
    }

    /** Shares of passes whose seeds are drawn as those of a run are. */
    private static double[] shares(double alpha) {
        SplittableRandom seeds = new SplittableRandom(7);
        double[] shares = new double[DRAWS];
        Arrays.setAll(shares, i -> drawn(alpha, seeds.nextLong(), 0, 1).share());
        return shares;
    }

    private static double mean(double[] values) {
        return Arrays.stream(values).average().orElseThrow();
    }

    /** Variance 1 / (4 (2 a + 1)), and excess -6 / (2 a + 3), which says how far a variance of samples is from it. */
    @ParameterizedTest
    @ValueSource(doubles = {0.05, 0.2, 0.4, 0.999, 1, 1.5, 8, 200})
    void shares_have_the_mean_and_the_variance_of_beta(double alpha) {
        double[] shares = shares(alpha);
        double variance = 1 / (4 * (2 * alpha + 1));
        assertEquals(0.5, mean(shares), SIGMAS * Math.sqrt(variance / DRAWS));
        double[] squares = Arrays.stream(shares).map(s -> (s - 0.5) * (s - 0.5)).toArray();
        double fourth = variance * variance * (3 - 6 / (2 * alpha + 3));
        double error = Math.sqrt((fourth - variance * variance) / DRAWS);
        assertEquals(variance, mean(squares), SIGMAS * error);
        assertTrue(SIGMAS * error < 0.05 * variance, "the sample tells this alpha from others");
    }

    /** Beta(1, 1) is uniform, and Beta(1/2, 1/2) has the distribution 2/pi asin(sqrt(x)). */
    @ParameterizedTest
    @CsvSource({"1, 0.1", "1, 0.7", "0.5, 0.02", "0.5, 0.1", "0.5, 0.7"})
    void shares_are_below_a_number_as_often_as_in_closed_forms(double alpha, double below) {
        double expected = alpha == 1 ? below : 2 / Math.PI * Math.asin(Math.sqrt(below));
        double found =
                mean(Arrays.stream(shares(alpha)).map(s -> s < below ? 1 : 0).toArray());
        assertEquals(expected, found, SIGMAS * Math.sqrt(expected * (1 - expected) / DRAWS));
    }

    @ParameterizedTest
    @ValueSource(doubles = {Double.MIN_VALUE, 1e-300, 1e-8, 1e17, Double.MAX_VALUE})
    void no_alpha_is_too_small_or_too_large(double alpha) {
        Mixup mixup = new Mixup(alpha);
        SplittableRandom random = new SplittableRandom(2);
        double[] shares =
                IntStream.range(0, 1000).mapToDouble(i -> mixup.share(random)).toArray();
        for (double share : shares) {
            double distance = alpha < 1 ? Math.min(share, 1 - share) : Math.abs(share - 0.5);
            assertTrue(distance < 1e-6, () -> "share " + share); // NaN is not below it
        }
        assertEquals(0.5, mean(shares), SIGMAS * 0.5 / Math.sqrt(1000));
    }

    @Test
    void partners_are_all_permutations_alike() {
        SplittableRandom seeds = new SplittableRandom(3);
        int[] counts = new int[27];
        for (int i = 0; i < DRAWS; i++) {
            int[] partners = drawn(0.3, seeds.nextLong(), THREE).others().classes();
            counts[9 * partners[0] + 3 * partners[1] + partners[2]]++;
        }
        int[] some = Arrays.stream(counts).filter(c -> c > 0).toArray();
        assertEquals(6, some.length);
        double deviation = Math.sqrt(DRAWS * (1 / 6.0) * (5 / 6.0));
        for (int count : some) {
            assertEquals(DRAWS / 6.0, count, SIGMAS * deviation);
        }
    }

    @Test
    void the_same_seed_draws_the_same_and_another_one_something_else() {
        ImageBatch once = (ImageBatch) new Mixup(0.4).mixed(batch(THREE), 11);
        ImageBatch again = (ImageBatch) new Mixup(0.4).mixed(batch(THREE), 11);
        for (int i = 0; i < 3; i++) {
            assertArrayEquals(
                    once.images().get(i).values(), again.images().get(i).values());
        }
        double share = drawn(0.4, 11, THREE).share();
        assertEquals(share, drawn(0.4, 11, THREE).share());
        assertFalse(share == drawn(0.4, 12, THREE).share());
    }

    @Test
    void pixels_and_classes_have_the_same_share_and_the_same_partners() {
        for (int seed = 0; seed < 200; seed++) {
            ImageBatch mixed = (ImageBatch) new Mixup(1).mixed(batch(THREE), seed);
            Targets.MixedClasses targets = (Targets.MixedClasses) mixed.targets();
            assertArrayEquals(THREE, targets.own().classes());
            for (int i = 0; i < 3; i++) {
                int partner = targets.others().classes()[i];
                double expected = targets.share() * i + (1 - targets.share()) * partner;
                assertEquals(expected, mixed.images().get(i).values()[0], 1e-6);
            }
        }
    }

    @Test
    void images_that_are_not_scored_stay_as_they_are_and_are_nobodys_partner() {
        int none = Targets.IGNORE;
        for (int seed = 0; seed < 200; seed++) {
            ImageBatch mixed = (ImageBatch) new Mixup(1).mixed(batch(5, none, 6, none, 7), seed);
            Targets.MixedClasses targets = (Targets.MixedClasses) mixed.targets();
            assertArrayEquals(new int[] {5, none, 6, none, 7}, targets.own().classes());
            int[] others = targets.others().classes();
            assertArrayEquals(
                    new int[] {none, none, 5, 6, 7},
                    Arrays.stream(others).sorted().toArray());
            assertEquals(none, others[1]);
            assertEquals(1, mixed.images().get(1).values()[0]);
            assertEquals(3, mixed.images().get(3).values()[0]);
        }
    }

    @Test
    void a_batch_of_one_image_stays_as_it_is() {
        ImageBatch one = batch(2);
        assertSame(one, new Mixup(0.4).mixed(one, 1));
        ImageBatch oneLabelled = batch(Targets.IGNORE, 2, Targets.IGNORE);
        assertSame(oneLabelled, new Mixup(0.4).mixed(oneLabelled, 1));
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -0.0, -0.2, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
    void alphas_out_of_range_are_refused_when_they_are_made(double alpha) {
        TrainingConfig.Builder builder = TrainingConfig.builder().mixup(alpha);
        BadInputException e = assertThrows(BadInputException.class, builder::build);
        assertEquals(
                "mixup " + alpha + " was given; it must be a number above 0, such as 0.2. Change the setting.",
                e.getMessage());
    }

    @Test
    void settings_keep_it_and_have_none_unless_it_is_asked_for() {
        assertNull(TrainingConfig.of(1, 1, 1e-3).mixup());
        assertNull(Mixup.of(TrainingConfig.of(1, 1, 1e-3)));
        TrainingConfig config = TrainingConfig.of(1, 1, 1e-3).withMixup(0.3).withSeed(4);
        assertEquals(0.3, config.mixup());
        assertEquals(new Mixup(0.3), Mixup.of(config));
    }

    private static String refusal(Objective objective, @Nullable Strategy strategy, Example... records) {
        TrainingConfig config = TrainingConfig.of(1, 2, 1e-3);
        Mixup.requireUse(config, objective, strategy, List.of(records)); // which is no matter without mixup
        TrainingConfig mixed = config.withMixup(0.2);
        String message = assertThrows(
                        BadInputException.class, () -> Mixup.requireUse(mixed, objective, strategy, List.of(records)))
                .getMessage();
        return Objects.requireNonNull(message);
    }

    @Test
    void what_cannot_be_mixed_is_refused() {
        ImageBatch.Image image = batch(0).images().get(0);
        VariedImage varied = new VariedImage("a", 1, image.targets(), () -> image, null);
        Objective usual = HeadObjective.DEFAULT;
        TrainingConfig config = TrainingConfig.of(1, 2, 1e-3).withMixup(0.2);
        Mixup.requireUse(config, usual, Strategy.parse("head"), List.of(image, varied));
        PackedBatch.Sequence text = PackedBatch.Sequence.classified(new int[] {1, 2}, 0);
        assertEquals(
                "mixup 0.2 was asked for, and record 1 is no image: tokens and features are not mixed. Leave out mixup, or"
                        + " train on images.",
                refusal(usual, null, image, text));
        assertTrue(refusal(usual, null, new FeatureBatch.Features(new float[2], 2, image.targets()))
                .contains("record 0 is no image"));
        assertEquals(
                "mixup 0.2 was asked for with cached-head, whose features are those of each image by itself. Leave out"
                        + " mixup, or use the strategy head.",
                refusal(usual, Strategy.cachedHead(), image));
        assertEquals(
                "mixup 0.2 was asked for with the loss mine, which is not told what was mixed. Leave out mixup, or train by"
                        + " the loss of the head.",
                refusal(new HeadObjective("mine", Losses::crossEntropy), null, image));
        assertTrue(refusal(KtoObjective.kto(), null, image)
                .contains(KtoObjective.kto().name()));
    }
}
