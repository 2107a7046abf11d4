package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** A part of a document that a test makes: it has to be there as it is made, and {@code scripts/write-tables} puts it there. */
final class GeneratedTable {
    private GeneratedTable() {}

    /** Compares, or with {@code -Dpeft4j.tables=write} writes, what is between two lines of a document, both included. */
    static void check(String document, String begin, String end, String made) throws IOException {
        Path file = Shared.root().resolve(document);
        String text = Files.readString(file, StandardCharsets.UTF_8);
        int from = text.indexOf(begin);
        int to = text.indexOf(end) + end.length();
        String found = text.substring(from, to);
        if ("write".equals(System.getProperty("peft4j.tables", ""))) {
            Files.writeString(file, text.substring(0, from) + made + text.substring(to));
        } else {
            assertEquals(
                    made,
                    found,
                    document + " says something else than this test found; scripts/write-tables writes it");
        }
    }
}
