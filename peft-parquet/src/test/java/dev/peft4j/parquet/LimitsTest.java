package dev.peft4j.parquet;

import static dev.peft4j.parquet.HandMade.BYTES;
import static dev.peft4j.parquet.HandMade.INT32;
import static dev.peft4j.parquet.SchemaElement.REQUIRED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.parquet.HandMade.Column;
import dev.peft4j.parquet.HandMade.Struct;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A small file does not become a large one by its dictionaries; one that packs well stays readable, and what is too much is not called damaged. */
class LimitsTest {
    private static final int DECIMAL = 5; // converted types
    private static final int UTF8 = 0;
    private static final int MILLION = 1_000_000;
    private static final String MORE = ", which is more than is read. Write it ";

    @TempDir
    Path dir;

    private static byte[] file(Struct leaf, int type, int rows, byte[]... pages) {
        return HandMade.file(rows, List.of(HandMade.group("schema", REQUIRED, 1), leaf), new Column(type, rows, pages));
    }

    private static byte[] decimals(int entries, int rows, byte[] numbers) throws IOException {
        int[] values = new int[entries];
        for (int i = 0; i < entries; i++) {
            values[i] = 100_001 + i;
        }
        return file(
                HandMade.leaf("x", INT32, REQUIRED).number(6, DECIMAL).number(7, 2),
                INT32,
                rows,
                HandMade.dictionary(entries, HandMade.int32s(values)),
                HandMade.data(rows, Values.RLE_DICTIONARY, numbers));
    }

    /** Texts that are numbers of a dictionary of four. */
    private static byte[] texts(int length, int rows, byte[] numbers) throws IOException {
        byte[][] entries = new byte[4][];
        for (int i = 0; i < entries.length; i++) {
            byte[] text = new byte[length];
            Arrays.fill(text, (byte) ('a' + i));
            entries[i] = HandMade.value(text);
        }
        return file(
                HandMade.leaf("x", BYTES, REQUIRED).number(6, UTF8),
                BYTES,
                rows,
                HandMade.dictionary(entries.length, HandMade.join(entries)),
                HandMade.data(rows, Values.RLE_DICTIONARY, numbers));
    }

    private String refusal(byte[] bytes, int mostRows) throws IOException {
        Path file = Files.write(dir.resolve("a.parquet"), bytes);
        int[] rows = {0};
        String message = String.valueOf(
                assertThrows(BadFileException.class, () -> new ParquetFormat().read(file, row -> ++rows[0] > 0))
                        .getMessage());
        assertTrue(rows[0] <= mostRows, rows[0] + " rows");
        assertFalse(message.contains("damaged"), message);
        assertTrue(message.contains(MORE), message);
        return message;
    }

    private int rows(byte[] bytes, Set<Object> distinct) throws IOException {
        Path file = Files.write(dir.resolve("a.parquet"), bytes);
        int[] rows = {0};
        new ParquetFormat().read(file, row -> {
            distinct.add(String.valueOf(row.get("x")));
            return ++rows[0] > 0;
        });
        return rows[0];
    }

    @Test
    void entries_of_a_dictionary_are_counted_as_objects() throws IOException {
        byte[] file = file(
                HandMade.leaf("x", INT32, REQUIRED).number(6, DECIMAL).number(7, 2),
                INT32,
                1,
                HandMade.dictionary(3_900_000, new byte[3_900_000 * Integer.BYTES]),
                HandMade.data(1, Values.RLE_DICTIONARY, new byte[] {8}, HandMade.run(1, 0)));
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        String message = refusal(file, 0);
        long taken = threads.getCurrentThreadAllocatedBytes() - before;
        assertTrue(message.contains("more values and objects"), message);
        assertTrue(taken < 24 << 20, taken + " bytes for a file of " + file.length);
    }

    @Test
    void a_dictionary_with_an_entry_for_each_row_is_read() throws IOException {
        int rows = 200_000;
        byte[] numbers = new byte[rows * Integer.BYTES];
        for (int i = 0; i < rows; i++) {
            System.arraycopy(HandMade.int32s(i), 0, numbers, i * Integer.BYTES, Integer.BYTES);
        }
        byte[] packed = HandMade.join(new byte[] {32}, HandMade.varint((rows / 8) << 1 | 1), numbers);
        byte[] file = decimals(rows, rows, packed);
        Set<Object> distinct = new HashSet<>();
        assertEquals(rows, rows(file, distinct));
        assertEquals(rows, distinct.size());
        assertTrue(distinct.contains(new BigDecimal("1000.01").toString()), "the first entry");
    }

    @Test
    void references_count_the_text_that_they_stand_for() throws IOException {
        byte[] file = texts(3 << 20, 400_000, HandMade.join(new byte[] {2}, HandMade.run(400_000, 3)));
        assertTrue(file.length < 100_000, file.length + " bytes");
        String message = refusal(file, (1 << 30) / (3 << 20));
        assertTrue(message.contains("row 342, column x: "), message);
        assertTrue(message.contains("repeats texts of more than 1073741824 characters in all"), message);
    }

    @Test
    void a_million_rows_of_few_texts_of_some_hundred_characters_are_read() throws IOException {
        byte[] numbers = new byte[MILLION / 4]; // of two bits
        new Random(1).nextBytes(numbers);
        byte[] packed = HandMade.join(new byte[] {2}, HandMade.varint((MILLION / 8) << 1 | 1), numbers);
        Set<Object> distinct = new HashSet<>();
        assertEquals(MILLION, rows(texts(900, MILLION, packed), distinct));
        assertEquals(4, distinct.size());
        byte[] same = texts(900, MILLION, HandMade.join(new byte[] {2}, HandMade.run(MILLION, 1)));
        assertTrue(same.length < 1000, same.length + " bytes");
        assertEquals(MILLION, rows(same, distinct));
    }

    @Test
    void a_column_that_packs_too_well_is_not_called_damaged() throws IOException {
        byte[] value = HandMade.value(new byte[2000]);
        byte[] values = new byte[value.length * 10_000];
        for (int at = 0; at < values.length; at += value.length) {
            System.arraycopy(value, 0, values, at, value.length);
        }
        Struct leaf = HandMade.leaf("x", BYTES, REQUIRED).number(6, UTF8);
        String message = refusal(file(leaf, BYTES, 10_000, HandMade.data(10_000, Values.PLAIN, values)), 0);
        assertTrue(
                message.contains(
                        "unpacks to more than 100 times its size" + MORE + "with a dictionary, or as smaller files."),
                message);
        byte[] half = Arrays.copyOf(values, values.length / 2);
        byte[] smaller = file(leaf, BYTES, 5000, HandMade.data(5000, Values.PLAIN, half));
        assertEquals(5000, rows(smaller, new HashSet<>()));
    }

    @Test
    void a_long_description_is_not_called_damaged() throws IOException {
        byte[] mark = HandMade.ascii("PAR1");
        int length = (16 << 20) + 1;
        byte[] file = HandMade.join(mark, new byte[length], HandMade.int32s(length), mark);
        assertTrue(refusal(file, 0).contains("its description has 16777217 bytes, and 16777216 are the most" + MORE));
        byte[] cut = HandMade.join(mark, new byte[9], HandMade.int32s(length), mark);
        Path damaged = Files.write(dir.resolve("cut.parquet"), cut);
        assertTrue(assertThrows(BadFileException.class, () -> new ParquetFormat().read(damaged, row -> true))
                .getMessage()
                .contains("has 16777217 bytes, and the file has 21. The file is damaged"));
    }
}
