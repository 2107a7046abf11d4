package dev.peft4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Arrays;
import picocli.CommandLine;

/** Runs commands as a user does, in this process. */
final class CommandFixture {
    String out = "";
    String err = "";

    /** The exit status. */
    int run(Object... args) {
        StringWriter o = new StringWriter();
        StringWriter e = new StringWriter();
        CommandLine command = Peft4j.commandLine().setOut(new PrintWriter(o)).setErr(new PrintWriter(e));
        String[] words = Arrays.stream(args).map(String::valueOf).toArray(String[]::new);
        int status = command.execute(words);
        out = o.toString();
        err = e.toString();
        return status;
    }

    /** What a command prints that works. */
    String works(Object... args) {
        assertEquals(0, run(args), () -> Arrays.toString(args) + ": " + err);
        return out;
    }

    /** A command has to fail with a text, in a sentence that says what to do. */
    void fails(String expected, Object... args) {
        int status = run(args);
        assertTrue(status != 0, () -> "expected a failure, got: " + out);
        assertTrue(err.contains(expected), () -> "expected \"" + expected + "\" in: " + err);
        assertFalse(err.contains("defect of peft4j"), err);
        assertTrue(
                err.startsWith("error: ") && err.lines().findFirst().orElse("").matches(".*[.?]"), err);
    }
}
