package dev.peft4j.parquet;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The files of scripts/make-parquet-fixtures.py. */
final class Fixtures {
    static final Path FOLDER = Path.of("src/test/resources/parquet");
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .build();

    private Fixtures() {}

    /** Those that have rows to compare with. */
    static List<Path> whole() throws IOException {
        try (Stream<Path> files = Files.list(FOLDER)) {
            List<Path> whole = files.filter(f -> f.toString().endsWith(".parquet") && Files.exists(expected(f)))
                    .sorted()
                    .toList();
            assertTrue(whole.size() > 20, whole::toString);
            return whole;
        }
    }

    private static Path expected(Path file) {
        String name = file.getFileName().toString();
        return FOLDER.resolve(name.split("[-.]", 2)[0] + ".jsonl");
    }

    /** The rows that a file has. */
    static List<JsonNode> rows(Path file) throws IOException {
        List<JsonNode> rows = new ArrayList<>();
        for (String line : Files.readAllLines(expected(file))) {
            rows.add(JSON.readTree(line));
        }
        return rows;
    }

    /** The rows that are read. */
    static List<JsonNode> read(Path file) throws IOException {
        List<JsonNode> rows = new ArrayList<>();
        new ParquetFormat().read(file, row -> rows.add(JSON.readTree(JSON.writeValueAsString(row))));
        return rows;
    }
}
