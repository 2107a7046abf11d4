package dev.peft4j.core.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BadInputException;
import java.util.SplittableRandom;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Batches whose images are mixed, against numbers in double precision. */
class MixedImagesTest {
    private static final int[] PARTNERS = {2, 1, 3, 0};
    private static final double ROUNDING = 1e-6; // of single precision, of numbers up to about 5

    private static ImageBatch batch(IntFunction<Targets> targets) {
        SplittableRandom random = new SplittableRandom(1);
        return ImageBatch.of(IntStream.range(0, PARTNERS.length)
                .mapToObj(i -> {
                    float[] values = new float[2 * 3 * 5];
                    IntStream.range(0, values.length).forEach(k -> values[k] = (float) random.nextGaussian());
                    return new ImageBatch.Image(values, 2, 3, 5, targets.apply(i));
                })
                .toList());
    }

    private static ImageBatch classes() {
        return batch(i -> new Targets.Classes(new int[] {i}));
    }

    private static void assertMixed(double share, float[] own, float[] other, float[] found) {
        assertEquals(own.length, found.length);
        for (int k = 0; k < own.length; k++) {
            assertEquals(share * own[k] + (1 - share) * other[k], found[k], ROUNDING);
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.123456789, 0.5, 0.9, 1})
    void pixels_are_mixed_and_an_image_with_itself_is_the_same(double share) {
        ImageBatch given = classes();
        ImageBatch mixed = given.mixed(share, PARTNERS);
        for (int i = 0; i < PARTNERS.length; i++) {
            float[] own = given.images().get(i).values();
            assertMixed(
                    share,
                    own,
                    given.images().get(PARTNERS[i]).values(),
                    mixed.images().get(i).values());
        }
        assertArrayEquals(given.images().get(1).values(), mixed.images().get(1).values());
        assertEquals(3, mixed.images().get(2).height());
        assertEquals(5, mixed.images().get(2).width());
    }

    @Test
    void classes_are_both_with_the_share_of_the_first() {
        ImageBatch mixed = classes().mixed(0.3, PARTNERS);
        Targets.MixedClasses targets = (Targets.MixedClasses) mixed.targets();
        assertEquals(4, targets.count());
        assertEquals(0.3, targets.share());
        assertArrayEquals(new int[] {0, 1, 2, 3}, targets.own().classes());
        assertArrayEquals(PARTNERS, targets.others().classes());
        Targets.MixedClasses some = targets.of(3, 0);
        assertArrayEquals(new int[] {3, 0}, some.own().classes());
        assertArrayEquals(new int[] {0, 2}, some.others().classes());
        Targets.MixedClasses third =
                (Targets.MixedClasses) mixed.images().get(2).targets();
        assertArrayEquals(new int[] {3}, third.others().classes());
    }

    @Test
    void numbers_and_sets_of_labels_are_mixed_themselves() {
        float[][] values = {{1, 0}, {0, 0}, {0, 1}, {1, 1}};
        Targets.LabelSets sets = (Targets.LabelSets) batch(i -> new Targets.LabelSets(values[i], 2))
                .mixed(0.3, PARTNERS)
                .targets();
        assertEquals(2, sets.each());
        assertArrayEquals(new float[] {0.3f, 0.7f, 0, 0, 0.7f, 1, 1, 0.3f}, sets.values(), 1e-6f);
        float[] lengths = {2, -1, 10, 0};
        Targets.Numbers numbers = (Targets.Numbers) batch(i -> new Targets.Numbers(new float[] {lengths[i]}, 1))
                .mixed(0.3, PARTNERS)
                .targets();
        assertArrayEquals(new float[] {7.6f, -1, 3, 1.4f}, numbers.values(), 1e-5f);
        assertEquals(
                4,
                batch(i -> new Targets.None(1)).mixed(0.3, PARTNERS).targets().count());
    }

    private static void refused(String why, ImageBatch batch, double share, int... partners) {
        String message = assertThrows(BadInputException.class, () -> batch.mixed(share, partners))
                .getMessage();
        assertTrue(String.valueOf(message).contains(why), message);
    }

    @Test
    void what_cannot_be_mixed_is_refused() {
        refused("with the share 1.5", classes(), 1.5, PARTNERS);
        refused("with the share NaN", classes(), Double.NaN, PARTNERS);
        refused("[0, 1] were given for 4 images", classes(), 0.5, 0, 1);
        refused("[0, 1, 2, 4] were given", classes(), 0.5, 0, 1, 2, 4);
        refused("[0, 1, 2, -1] were given", classes(), 0.5, 0, 1, 2, -1);
        ImageBatch unlabelled = batch(i -> new Targets.Classes(new int[] {i == 2 ? Targets.IGNORE : i}));
        refused("some have one only", unlabelled, 0.5, PARTNERS);
        assertEquals(4, unlabelled.mixed(0.5, 3, 1, 2, 0).size());
        refused("a label of each token", batch(i -> new Targets.PerToken(new int[] {i})), 0.5, PARTNERS);
    }
}
