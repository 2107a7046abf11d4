package dev.peft4j.models;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/** Small tokenizers of all kinds, made by scripts/make-tokenizer-fixtures.py; others of that layout with {@code -Dpeft4j.tokenizers=DIR}. */
final class Fixtures {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private Fixtures() {}

    static Path directory() {
        String given = System.getProperty("peft4j.tokenizers", "");
        if (!given.isEmpty()) {
            return Path.of(given);
        }
        try {
            return Path.of(Objects.requireNonNull(Fixtures.class.getResource("/tokenizers"))
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    static Path tokenizer(String kind) {
        return directory().resolve(kind).resolve("tokenizer.json");
    }

    /** Jackson does not read escaped surrogate pairs in names from bytes. */
    static JsonNode read(Path file) throws IOException {
        return JSON.readTree(Files.readString(file));
    }

    static List<String> kinds() throws IOException {
        try (Stream<Path> all = Files.list(directory())) {
            return all.filter(Files::isDirectory)
                    .map(d -> d.getFileName().toString())
                    .sorted()
                    .toList();
        }
    }
}
