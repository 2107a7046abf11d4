package dev.peft4j.lora;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What init_lora_weights may say. */
class LoraInitTest {
    @ParameterizedTest
    @CsvSource({
        "gaussian, GAUSSIAN, 0",
        "Gaussian, GAUSSIAN, 0",
        "pissa, PISSA, 0",
        "pissa_niter_16, PISSA, 16",
        "olora, OLORA, 0",
        "orthogonal, ORTHOGONAL, 0",
        "eva, DEFAULT, 0",
        "mica, MICA, 0"
    })
    void names_are_those_of_peft(String text, LoraInit.Kind kind, int iterations) {
        assertEquals(new LoraInit(kind, iterations), LoraInit.read(text, true));
    }

    @Test
    void truth_is_that_of_python() {
        assertEquals(LoraInit.DEFAULT, LoraInit.read(true, true));
        assertEquals(LoraInit.DEFAULT, LoraInit.read(null, false));
        assertEquals(LoraInit.of(LoraInit.Kind.RANDOM), LoraInit.read(false, true));
        assertEquals(LoraInit.of(LoraInit.Kind.RANDOM), LoraInit.read(null, true));
        assertEquals(LoraInit.of(LoraInit.Kind.RANDOM), LoraInit.read("", true));
    }

    @ParameterizedTest
    @ValueSource(strings = {"loftq", "corda", "Orthogonal", "PISSA", "pissa_niter_"})
    void a_kind_whose_base_cannot_be_known_is_refused(String text) {
        assertThrows(IllegalArgumentException.class, () -> LoraInit.read(text, true));
    }

    @ParameterizedTest
    @ValueSource(strings = {"gaussian", "pissa", "pissa_niter_4", "olora", "orthogonal"})
    void what_was_read_is_written_again(String text) {
        assertEquals(text, LoraInit.read(text, true).toJson());
    }
}
