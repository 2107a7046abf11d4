package dev.peft4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BadInputException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which vectors are near to one. */
class NearestTest {
    private static final float[] QUERY = {1, 0};
    private static final List<float[]> VECTORS = List.of(new float[] {0, 1}, new float[] {2, 0}, new float[] {1, 1});

    @Test
    void the_nearest_come_first() {
        assertEquals(List.of(1, 2), TextEncoder.nearest(QUERY, VECTORS, 2));
        assertEquals(List.of(1, 2, 0), TextEncoder.nearest(QUERY, VECTORS, 9));
        assertEquals(List.of(), TextEncoder.nearest(QUERY, List.of(), 1));
    }

    @Test
    void fewer_than_one_cannot_be_asked_for() {
        for (int most : new int[] {0, -1}) {
            String message = String.valueOf(
                    assertThrows(BadInputException.class, () -> TextEncoder.nearest(QUERY, VECTORS, most))
                            .getMessage());
            assertTrue(
                    message.contains("the " + most + " nearest of 3") && message.endsWith("Change the number."),
                    message);
        }
    }
}
