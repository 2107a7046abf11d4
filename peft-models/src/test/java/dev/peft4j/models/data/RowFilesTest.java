package dev.peft4j.models.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BadFileException;
import java.io.IOException;
import java.math.BigDecimal;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files whose rows another jar reads. Here no jar reads Parquet, and a class of this test reads files that end in .rows. */
class RowFilesTest {
    @TempDir
    Path dir;

    /** A row with the text of each line, and a decimal label behind an equals sign; rubbish is no row. */
    public static final class Lines implements RowFormat {
        /** Found by the service loader. */
        public Lines() {}

        @Override
        public String ending() {
            return ".rows";
        }

        @Override
        public void read(Path file, Rows rows) throws IOException {
            for (String line : Files.readAllLines(file)) {
                String[] parts = line.split("=", 2);
                if (!rows.row(
                        parts.length == 1
                                ? Map.of("text", line)
                                : Map.of("text", parts[0], "label", new BigDecimal(parts[1])))) {
                    return;
                }
            }
        }
    }

    /** What is done where the class path has the format. */
    private interface Action {
        void run() throws IOException;
    }

    private void withLines(Action action) throws IOException {
        Path services = Files.createDirectories(dir.resolve("jar/META-INF/services"));
        Files.writeString(services.resolve(RowFormat.class.getName()), Lines.class.getName());
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        URL jar = dir.resolve("jar").toUri().toURL();
        try (URLClassLoader loader = new URLClassLoader(new URL[] {jar}, before)) {
            thread.setContextClassLoader(loader);
            action.run();
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    private static String refusal(Path file) {
        return String.valueOf(assertThrows(
                        BadFileException.class, () -> RecordReader.defaults().read(file))
                .getMessage());
    }

    @Test
    void a_format_of_another_jar_is_read_as_lines_are() throws IOException {
        Path file = Files.writeString(dir.resolve("A.ROWS"), "a\nb\nc\n");
        withLines(() -> {
            List<TextRecord> records = RecordReader.defaults().read(file, 2);
            assertEquals(
                    List.of("a", "b"), records.stream().map(TextRecord::text).toList());
            assertEquals(file + ", row 2", records.get(1).place());
            List<Object> texts = JsonRecord.readAll(file, 9, r -> r.fields().get("text"));
            assertEquals(List.of("a", "b", "c"), texts);
            assertTrue(refusal(Files.writeString(dir.resolve("b.rows"), "")).contains("has none"));
            assertTrue(refusal(Files.writeString(dir.resolve("b.rows.gz"), "a")).contains("Unpack it"));
            assertTrue(
                    refusal(Files.writeString(dir.resolve("b.txt"), "a")).contains(".csv, .tsv, .gz, .parquet, .rows"));
        });
        assertTrue(refusal(file).contains("can be read. Rename or convert it."));
    }

    @Test
    void decimals_keep_their_digits() throws IOException {
        List<String> decimals = List.of("1.50", "3000000000.00", "2.00", "7", "0.0000000010");
        Path file = Files.writeString(dir.resolve("a.rows"), "a=" + String.join("\na=", decimals));
        withLines(() -> {
            assertEquals(
                    decimals,
                    RecordReader.defaults().read(file).stream()
                            .map(TextRecord::label)
                            .toList());
            assertEquals(decimals.stream().map(BigDecimal::new).toList(), JsonRecord.readAll(file, 9, r -> r.fields()
                    .get("label")));
        });
    }

    @Test
    void parquet_without_its_jar_names_the_dependency() throws IOException {
        Path file = Files.writeString(dir.resolve("a.parquet"), "PAR1");
        assertTrue(refusal(file).contains("Add the dependency dev.peft4j:peft-parquet"), refusal(file));
        assertTrue(assertThrows(BadFileException.class, () -> JsonRecord.readAll(file, 1, r -> r))
                .getMessage()
                .contains("dev.peft4j:peft-parquet"));
        assertTrue(refusal(dir.resolve("none.parquet")).contains("there is none"));
    }
}
