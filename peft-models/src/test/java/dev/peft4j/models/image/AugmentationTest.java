package dev.peft4j.models.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.data.VariedImage;
import dev.peft4j.core.error.BadInputException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** What chance changes of a picture follows from a number alone, and stays within its ranges. */
class AugmentationTest {
    private static final Preprocessing PLAIN = Preprocessing.of(3);
    private static final Augmentation ALL =
            Augmentation.none().withLeastArea(0.3).withPadding(2).withFlip(0.5).withColors(0.4, 0.4, 0.4, 0.1);

    private static Picture noise() {
        return Fixtures.noise("resized");
    }

    @Test
    void the_same_number_gives_the_same_image_on_any_thread_and_another_one_another() {
        Preprocessing p =
                PLAIN.withResize(Resize.shortestEdge(12), Resampling.BILINEAR).withCrop(10, 11);
        VariedImage example = ImageRecord.of(noise(), null, "noise").example(null, p, ALL);
        Set<Integer> different = new HashSet<>();
        LongStream.range(0, 50).parallel().forEach(seed -> {
            float[] once = example.inEpoch(seed).values();
            assertArrayEquals(once, example.inEpoch(seed).values());
            assertEquals(3 * 10 * 11, once.length);
            synchronized (different) {
                different.add(Arrays.hashCode(once));
            }
        });
        assertEquals(50, different.size());
        assertArrayEquals(
                example.fixed().values(), p.apply(noise(), example.targets()).values());
    }

    @Test
    void half_of_the_pictures_are_mirrored() {
        Augmentation flip = Augmentation.none().withFlip(0.5);
        Picture noise = noise();
        long mirrored = LongStream.range(0, 1000)
                .filter(seed -> {
                    Picture varied = flip.vary(noise, PLAIN, seed);
                    assertTrue(varied.equals(noise) || varied.equals(noise.flipped()));
                    return !varied.equals(noise);
                })
                .count();
        assertTrue(mirrored > 440 && mirrored < 560, () -> mirrored + " of 1000");
    }

    @Test
    void padding_moves_a_picture_by_at_most_so_many_pixels_to_all_places() {
        byte[] planes = new byte[81];
        planes[40] = 1;
        Picture dot = Picture.of(1, 9, 9, planes);
        Set<Integer> places = new HashSet<>();
        for (long seed = 0; seed < 500; seed++) {
            byte[] moved = Augmentation.none()
                    .withPadding(2)
                    .vary(dot, Preprocessing.of(1), seed)
                    .planes();
            int at = 0;
            while (moved[at] == 0) {
                at++;
            }
            assertTrue(Math.abs(at / 9 - 4) <= 2 && Math.abs(at % 9 - 4) <= 2, "at " + at);
            places.add(at);
        }
        assertEquals(25, places.size());
    }

    @Test
    void a_part_has_the_drawn_share_and_the_size_of_the_result() {
        int n = 100;
        byte[] planes = new byte[n * n];
        for (int i = 0; i < planes.length; i++) {
            planes[i] = (byte) (2 * (i % n)); // the column, twice
        }
        Picture ramp = Picture.of(1, n, n, planes);
        Preprocessing p = Preprocessing.of(1).withResize(Resize.exact(50, 50), Resampling.NEAREST);
        double least = 1;
        double most = 0;
        for (long seed = 0; seed < 300; seed++) {
            Picture part = Augmentation.none().withLeastArea(0.25).vary(ramp, p, seed);
            assertEquals("Picture[1 x 50 x 50]", part.toString());
            double width = (part.level(0, 0, 49) - part.level(0, 0, 0)) / 2.0 / n;
            least = Math.min(least, width);
            most = Math.max(most, width);
        }
        double shortest = Math.sqrt(0.25 * 3 / 4);
        assertTrue(least > shortest - 0.03 && least < 0.6 && most > 0.9, least + " to " + most);
    }

    @Test
    void a_picture_of_which_no_part_has_the_ratio_gives_the_middle() {
        Picture line = Picture.of(1, 1, 9, new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9});
        Preprocessing p = Preprocessing.of(1).withResize(Resize.exact(1, 1), Resampling.NEAREST);
        boolean middle = LongStream.range(0, 20)
                .anyMatch(seed -> Augmentation.none()
                                .withLeastArea(0.9)
                                .vary(line, p, seed)
                                .level(0, 0, 0)
                        == 5);
        assertTrue(middle);
    }

    @Test
    void grey_pictures_have_no_hue_and_no_saturation() {
        Picture grey = noise().toGrey();
        Augmentation colors = Augmentation.none().withColors(0, 0, 0.5, 0.5);
        assertEquals(grey, colors.vary(grey, Preprocessing.of(1), 3));
    }

    @Test
    void ranges_that_make_no_sense_are_refused() {
        Augmentation none = Augmentation.none();
        assertThrows(BadInputException.class, () -> none.withLeastArea(0));
        assertThrows(BadInputException.class, () -> none.withPadding(-1));
        assertThrows(BadInputException.class, () -> none.withFlip(1.1));
        assertThrows(BadInputException.class, () -> none.withColors(-1, 0, 0, 0));
        assertThrows(BadInputException.class, () -> none.withColors(0, 0, 0, 0.6));
        assertThrows(BadInputException.class, () -> none.withColors(0, Double.NaN, 0, 0));
    }
}
