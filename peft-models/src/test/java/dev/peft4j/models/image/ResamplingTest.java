package dev.peft4j.models.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Other sizes and other colours are those of Pillow, to the same bytes. */
class ResamplingTest {
    @ParameterizedTest
    @EnumSource(Resampling.class)
    void every_filter_gives_the_bytes_of_pillow(Resampling filter) {
        Picture noise = Fixtures.noise("resized");
        long sizes = cases(filter)
                .peek(c -> {
                    Picture expected = Fixtures.picture(c);
                    Picture given = expected.channels() == 1 ? noise.toGrey() : noise;
                    Picture found = filter.resize(given, expected.height(), expected.width());
                    assertArrayEquals(expected.planes(), found.planes(), () -> filter + " to " + expected);
                })
                .count();
        assertEquals(filter == Resampling.BICUBIC ? 8 : 7, sizes);
    }

    private static Stream<JsonNode> cases(Resampling filter) {
        return Fixtures.cases("resized").filter(c -> c.get("code").asInt() == filter.code()).toList().stream();
    }

    @ParameterizedTest
    @EnumSource(Resampling.class)
    void the_same_size_is_the_same_picture(Resampling filter) {
        Picture noise = Fixtures.noise("resized");
        assertSame(noise, filter.resize(noise, noise.height(), noise.width()));
    }

    @Test
    void colours_are_those_of_pillow_and_torchvision() {
        Picture noise = Fixtures.noise("colored");
        int[] count = {0};
        Fixtures.cases("colored").forEach(c -> {
            double factor = c.get("factor").asDouble();
            String name = c.get("name").asText();
            Picture found =
                    switch (name) {
                        case "brightness" -> Colors.brightness(noise, (float) factor);
                        case "contrast" -> Colors.contrast(noise, (float) factor);
                        case "saturation" -> Colors.saturation(noise, (float) factor);
                        default -> Colors.hue(noise, factor);
                    };
            assertArrayEquals(Fixtures.picture(c).planes(), found.planes(), () -> name + " " + factor);
            count[0]++;
        });
        assertEquals(23, count[0]);
    }
}
