package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Hugging Face PEFT, which opens what was written here and computes the same ({@code scripts/check-adapters.py}).
 *
 * @param python that has it
 */
record PeftChecker(Path python) {
    /** The Python of {@code scripts/python-env}; the test is skipped where there is none. */
    static PeftChecker require() {
        String given = System.getenv("PEFT4J_PYTHON");
        Path python = given != null
                ? Path.of(given)
                : Path.of(System.getProperty("user.home"), ".cache/peft4j/python/bin/python");
        assumeTrue(
                Files.isExecutable(python),
                () -> "skipped: no Python environment at " + python + " (make it with scripts/python-env)");
        return new PeftChecker(python);
    }

    /**
     * Checks adapters and merged models, one a line.
     *
     * @param dir for a file of the lines and a log
     */
    void check(Path dir, List<String> lines) throws IOException, InterruptedException {
        Path script = Shared.root().resolve("scripts/check-adapters.py");
        Path batch = Files.writeString(dir.resolve("batch.jsonl"), String.join("\n", lines) + "\n");
        Path log = dir.resolve("log.txt");
        Process process = new ProcessBuilder(
                        python.toString(), script.toAbsolutePath().toString(), batch.toString())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        int status = process.waitFor();
        assertEquals(0, status, () -> failures(log));
        assertEquals(
                lines.size(), read(log).lines().filter(l -> l.startsWith("OK")).count(), () -> failures(log));
    }

    /** What went wrong, with the adapter behind it. */
    private static String failures(Path log) {
        return read(log)
                .lines()
                .filter(l -> l.startsWith("FAIL") || l.startsWith("NOT OK") || l.startsWith("Traceback"))
                .collect(Collectors.joining("\n"));
    }

    private static String read(Path file) {
        try {
            return Files.readString(file, StandardCharsets.UTF_8);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
