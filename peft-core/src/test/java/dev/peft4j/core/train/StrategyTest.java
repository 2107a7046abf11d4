package dev.peft4j.core.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BadInputException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class StrategyTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "full",
                "head",
                "last:2",
                "norms+head",
                "biases",
                "pattern:attention",
                "pattern:/layer\\.\\d+\\.(a|b)@>,/",
                "gradual",
                "gradual:0.5",
                "bn-stats",
                "cached-head",
                "cached-head,rate=0.5",
                "full,decay=0.8",
                "full,rate=0.1,decay=0.5,statistics=batch",
                "head@1>last:2@1>full@2",
                "bn-stats@1>head@30%,rate=3>gradual:2,decay=0.25"
            })
    void a_text_is_read_and_printed_as_it_was(String text) {
        Strategy read = Strategy.parse(text);
        assertEquals(text, read.toString());
        assertEquals(read, Strategy.parse(read.toString()));
    }

    @Test
    void a_text_means_the_stages_that_it_names() {
        Strategy made = Strategy.of(
                Stage.of(new TensorChoice.Sum(List.of(new TensorChoice.Norms(), new TensorChoice.Head())))
                        .forEpochs(1.5),
                Stage.of(new TensorChoice.Last(2)).forShare(0.25).withRate(0.5),
                Stage.of(new TensorChoice.All()).withDecay(0.8).withBatchStatistics());
        assertEquals(made, Strategy.parse("norms+head@1.5>last:2@25%,rate=0.5>full,decay=0.8,statistics=batch"));
        assertEquals(Strategy.parse("full"), Strategy.parse("full,statistics=frozen,rate=1"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "hed | Did you mean head?",
                "'' | missing",
                "last | last:N",
                "last:0 | at least 1",
                "last:1.5 | whole number",
                "last:x | where a number was expected",
                "head@0>full | 0 epochs",
                "head@-1>full | -1 epochs",
                "head@120%>full | 120 % of the steps",
                "head@60%>last:1@60%>full | 120 %",
                "head>full | has no length",
                "head@1@2>full | two lengths",
                "full,decay=-0.5 | decay -0.5",
                "full,decay=0 | decay 0",
                "full,decay=1.5 | at most 1",
                "full,rate=0 | rate 0",
                "full,dekay=0.5 | Did you mean decay?",
                "full,statistics=none | batch or frozen",
                "pattern:( | no regular expression",
                "pattern: | a letter at least",
                "gradual:0 | above 0",
                "gradual+head | stands alone",
                "cached-head>full | has no length",
                "cached-head@1>full | head alone",
                "cached-head+norms | head alone",
                "cached-head,statistics=batch | head alone"
            })
    void what_is_wrong_is_told(String text, String expected) {
        String message = assertThrows(BadInputException.class, () -> Strategy.parse(text))
                .getMessage();
        assertTrue(message.contains(expected), message);
    }
}
