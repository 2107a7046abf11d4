package dev.peft4j.models;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The library ends the process where the heap has no room for its ids, so there has to be an error before. */
class SmallHeapTest {
    /** Encodes ever longer texts; what does not fit is refused. */
    static final class Main {
        private Main() {}

        public static void main(String[] args) throws IOException {
            int encoded = 0;
            int refused = 0;
            try (TextTokenizer tokenizer = TextTokenizer.open(Path.of(args[0]), 1000)) {
                for (int length = 1000; length <= 8_000_000; length *= 2) {
                    String text = "a".repeat(length);
                    if (tokenizer.encode(text, true, 512).length != 512) {
                        throw new IllegalStateException("at length " + length);
                    }
                    try {
                        encoded += tokenizer.encode(text, false).length == length + 1 ? 1 : 0;
                    } catch (IllegalArgumentException e) {
                        refused++;
                    }
                }
            }
            System.exit(encoded > 0 && refused > 0 ? 0 : 3);
        }
    }

    @Test
    void long_texts_never_end_a_process_with_a_small_heap() throws IOException, InterruptedException {
        List<String> command = List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx24m",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                Fixtures.directory().resolve("llama").toString());
        assertEquals(0, new ProcessBuilder(command).inheritIO().start().waitFor());
    }
}
