package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Files are as long as can be read in one go. */
class SourceFilesTest {
    private static final int MOST_LINES = 350;
    private static final int MOST_LINES_OF_TESTS = 500;

    @Test
    void no_file_is_too_long() throws IOException {
        List<String> found = new ArrayList<>();
        int files = 0;
        try (Stream<Path> modules = Files.list(Shared.root())) {
            for (Path module :
                    modules.filter(m -> Files.isDirectory(m.resolve("src"))).toList()) {
                try (Stream<Path> all = Files.walk(module.resolve("src"))) {
                    for (Path file :
                            all.filter(f -> f.toString().endsWith(".java")).toList()) {
                        int lines = Files.readAllLines(file).size();
                        files++;
                        if (lines > (file.startsWith(module.resolve("src/main")) ? MOST_LINES : MOST_LINES_OF_TESTS)) {
                            found.add(Shared.root().relativize(file) + ": " + lines);
                        }
                    }
                }
            }
        }
        assertTrue(files > 300, files + " files were found");
        assertEquals(List.of(), found);
    }
}
