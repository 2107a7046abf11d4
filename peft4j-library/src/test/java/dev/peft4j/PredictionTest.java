package dev.peft4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a classifier says. */
class PredictionTest {
    private static Map<String, Double> scores() {
        Map<String, Double> scores = new LinkedHashMap<>();
        scores.put("zebra", 0.25);
        scores.put("ant", 0.625);
        scores.put("bee", 0.125);
        return scores;
    }

    @Test
    void the_most_probable_label_is_the_prediction() {
        Prediction p = Prediction.of(scores());
        assertEquals("ant", p.label());
        assertEquals(0.625, p.probability());
        assertEquals(List.of("zebra", "ant", "bee"), List.copyOf(p.scores().keySet()), "in the order of the outputs");
        assertEquals("ant (zebra 0.2500, ant 0.6250, bee 0.1250)", p.toString());
        assertEquals(List.of("zebra", "ant"), p.labels(0.25));
    }

    @Test
    void it_cannot_be_changed() {
        Map<String, Double> scores = scores();
        Prediction p = Prediction.of(scores);
        scores.put("ant", 1.0);
        assertEquals(0.625, p.scores().get("ant"));
        assertThrows(UnsupportedOperationException.class, () -> p.scores().clear());
    }
}
