package dev.peft4j.lora.lokr;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How dimensions are cut in two, by the examples of LyCORIS and by hand. */
class LoKrShapeTest {
    @ParameterizedTest
    @CsvSource({
        "127, -1, 1",
        "128, -1, 8",
        "250, -1, 10",
        "360, -1, 18",
        "512, -1, 16",
        "1024, -1, 32",
        "127, 4, 1",
        "128, 4, 4",
        "250, 4, 2",
        "360, 4, 4",
        "512, 4, 4",
        "1024, 4, 4",
        "250, 125, 125"
    })
    void a_dimension_has_the_smaller_factor_of_lycoris(int dimension, int factor, int smaller) {
        assertEquals(smaller, LoKrShape.smallerFactor(dimension, factor));
    }

    @Test
    void parameters_are_those_of_whole_and_of_decomposed_factors() {
        assertEquals(2 * 3 + 5 * 7, new LoKrShape(2, 5, 3, 7, 4, true, true, List.of(), false).parameterCount());
        assertEquals(2 * 3 + 4 * (5 + 7), new LoKrShape(2, 5, 3, 7, 4, true, false, List.of(), false).parameterCount());
        assertEquals(4 * (2 + 3) + 5 * 7, new LoKrShape(2, 5, 3, 7, 4, false, true, List.of(), false).parameterCount());
    }
}
