package dev.peft4j.core.train;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.peft4j.core.data.Measure;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What tables say of an evaluation. */
class EvaluationTest {
    @ParameterizedTest
    @CsvSource({
        "81.86456, 81.8646",
        "0.5, 0.5000",
        "9999.5, 9999.5000",
        "12345.678, 12345.7",
        "654321.4, 654321",
        "123456789012, 1.23e+11",
        "-123456789012, -1.23e+11",
        "Infinity, Infinity",
        "NaN, NaN"
    })
    void a_number_fits_its_column(double value, String text) {
        assertEquals(text, Evaluation.text(value));
    }

    @Test
    void tokens_are_called_so() {
        assertEquals("1,234 tokens scored", new Evaluation(1, 1234, Measure.PERPLEXITY, Double.NaN).countText());
        assertEquals("3 scored", new Evaluation(1, 3, Measure.ACCURACY, 0.5).countText());
    }
}
