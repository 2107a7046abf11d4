package dev.peft4j.models;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Damaged tokenizers are refused with an error that says so, and never end the process. More cases with {@code -Dpeft4j.fuzz=200000}, others with
 * {@code -Dpeft4j.fuzz.seed=2}.
 */
class TokenizerFuzzTest {
    private static final int CASES = Integer.getInteger("peft4j.fuzz", 3000);
    private static final long SEED = Long.getLong("peft4j.fuzz.seed", 1);

    @TempDir
    Path temporary;

    @Test
    void no_file_and_no_text_ends_the_process() throws IOException, InterruptedException {
        Path output = temporary.resolve("output");
        List<String> command = List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-Dpeft4j.tokenizers=" + Fixtures.directory(),
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-cp",
                System.getProperty("java.class.path"),
                "dev.peft4j.models.TokenizerFuzz",
                temporary.toString(),
                String.valueOf(SEED),
                "0",
                String.valueOf(CASES));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(Redirect.to(output.toFile()))
                .start();
        int exit = process.waitFor();
        String text = Files.readString(output);
        int last = last(temporary.resolve("case").toFile());
        assertEquals(0, exit, () -> "seed " + SEED + ", case " + last + " ended the process: " + text);
        assertEquals(CASES - 1, last);
    }

    private static int last(File file) throws IOException {
        try (RandomAccessFile progress = new RandomAccessFile(file, "r")) {
            return progress.readInt();
        }
    }
}
