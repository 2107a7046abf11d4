package dev.peft4j.tests;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/** Where reference material lies: {@code -Dpeft4j.shared=DIR}, or a folder {@code shared} beside the checkout. */
final class Shared {
    private Shared() {}

    static Path root() {
        return Path.of(System.getProperty("peft4j.root", "."));
    }

    static Path directory() {
        String given = System.getProperty("peft4j.shared", "");
        return given.isEmpty() ? root().resolve("../shared").normalize() : Path.of(given);
    }

    /** A file of the reference material; the test is skipped where there is none, but fails in CI. */
    static Path require(String path) {
        Path file = directory().resolve(path);
        if (System.getenv("CI") != null && Files.isDirectory(directory()) && !Files.exists(file)) {
            throw new IllegalStateException(file + " is missing although the reference material is here");
        }
        assumeTrue(Files.exists(file), () -> "skipped: " + file + " is not here (give -Dpeft4j.shared=DIR)");
        return file;
    }
}
