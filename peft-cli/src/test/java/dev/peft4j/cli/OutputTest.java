package dev.peft4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Output that is lost is told from output that nobody waits for any more. */
class OutputTest {
    @ParameterizedTest
    @CsvSource({
        "Broken pipe,false",
        "The pipe is being closed,false",
        "No space left on device,true",
        ",true",
    })
    void whatIsLost(String message, boolean lost) {
        Output out = new Output(new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                throw new IOException(message);
            }
        });
        PrintWriter writer = new PrintWriter(out, true, StandardCharsets.UTF_8);
        writer.println("a line");
        writer.flush();
        assertEquals(lost, out.lost());
    }
}
