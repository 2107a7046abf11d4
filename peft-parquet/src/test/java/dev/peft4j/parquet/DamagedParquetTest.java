package dev.peft4j.parquet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.peft4j.core.error.BadFileException;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Damaged and hostile files end in an error with the name of the file, and cost no more than their size warrants. */
class DamagedParquetTest {
    private static final long MOST_BYTES = 64 << 20; // 16 MiB for pages, and their values
    private static final int MOST_VALUES = 16 << 20;
    private static final int[] MASKS = {0x01, 0x80, 0xff, 0x10};
    private static final byte[] MARK = "PAR1".getBytes(StandardCharsets.US_ASCII);

    @TempDir
    Path dir;

    /** Reads all rows of what may be a file; what goes wrong is to be a bad file. */
    private int read(byte[] bytes, String what) throws IOException {
        Path file = Files.write(dir.resolve("damaged.parquet"), bytes);
        int[] rows = {0};
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        try {
            new ParquetFormat().read(file, row -> ++rows[0] > 0);
        } catch (BadFileException e) {
            String message = String.valueOf(e.getMessage());
            assertTrue(message.startsWith(file.toString()), message);
            assertTrue(message.strip().endsWith("."), message);
            rows[0] = -1;
        } catch (RuntimeException | StackOverflowError e) {
            throw new AssertionError(what, e);
        }
        long taken = threads.getCurrentThreadAllocatedBytes() - before;
        assertTrue(taken < MOST_BYTES, () -> what + " took " + taken + " bytes");
        return rows[0];
    }

    @ParameterizedTest
    @ValueSource(strings = {"flat-snappy-1", "flat-zstd-2", "int96-old"})
    void a_cut_file_is_refused(String name) throws IOException {
        byte[] whole = bytes(name);
        for (int n = 0; n < whole.length; n++) {
            assertEquals(-1, read(Arrays.copyOf(whole, n), "the first " + n + " bytes of " + name));
        }
        assertTrue(read(whole, name) > 0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"flat-zstd-2", "flat-snappy-1", "flat-lz4-2", "flat-gzip-1", "conversations-dictionary"})
    void a_changed_byte_is_refused_or_is_another_value(String name) throws IOException {
        byte[] whole = bytes(name);
        int refused = 0;
        for (int i = 0; i < whole.length; i++) {
            int mask = MASKS[i % MASKS.length];
            byte[] changed = whole.clone();
            changed[i] ^= (byte) mask;
            refused += read(changed, name + " with ^" + mask + " at byte " + i) < 0 ? 1 : 0;
        }
        assertTrue(refused > whole.length / 6, refused + " of " + whole.length);
    }

    @ParameterizedTest
    @ValueSource(strings = {"lists-pages", "kinds-plain", "kinds-dictionary", "nullable-plain", "encodings-pages"})
    void many_changed_bytes_are_refused_or_are_other_values(String name) throws IOException {
        byte[] whole = bytes(name);
        for (int seed = 0; seed < 300; seed++) {
            Random random = new Random(seed);
            byte[] changed = whole.clone();
            for (int n = 1 + random.nextInt(4); n > 0; n--) {
                changed[random.nextInt(changed.length)] = (byte) random.nextInt();
            }
            read(changed, name + " with seed " + seed);
        }
    }

    @Test
    void noise_between_the_marks_is_refused() throws IOException {
        for (int seed = 0; seed < 500; seed++) {
            Random random = new Random(seed);
            byte[] noise = new byte[12 + random.nextInt(200)];
            random.nextBytes(noise);
            System.arraycopy(MARK, 0, noise, 0, MARK.length);
            System.arraycopy(MARK, 0, noise, noise.length - MARK.length, MARK.length);
            noise[noise.length - 8] = (byte) random.nextInt(noise.length - 11);
            noise[noise.length - 7] = noise[noise.length - 6] = noise[noise.length - 5] = 0;
            assertEquals(-1, read(noise, "seed " + seed));
        }
    }

    @Test
    void a_changed_page_is_found_by_its_checksum() throws IOException {
        byte[] whole = bytes("flat-checksums");
        int first = new String(whole, StandardCharsets.ISO_8859_1).indexOf("\u001f\u008b");
        whole[first + 20] ^= 1;
        Path file = Files.write(dir.resolve("changed.parquet"), whole);
        refused(file, "row 1, column text: the checksum of a page");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "hostile-bytes | row 1, column text: the file of 2442 bytes unpacks to more than 100 times its size, which is more than is read. Write it with",
                "hostile-values | the file of 25227 bytes has more values and objects than 16 for each of its bytes, which is more than is read. Write it as smaller files."
            })
    void a_small_file_does_not_become_a_large_one(String name, String expected) throws IOException {
        Path file = Fixtures.FOLDER.resolve(name + ".parquet");
        assertTimeoutPreemptively(Duration.ofSeconds(20), () -> refused(file, expected));
        int[] rows = {0};
        assertThrows(BadFileException.class, () -> new ParquetFormat().read(file, row -> ++rows[0] > 0));
        assertTrue(rows[0] <= MOST_VALUES / 8, rows[0] + " rows");
    }

    private static void refused(Path file, String expected) {
        String message =
                String.valueOf(assertThrows(BadFileException.class, () -> new ParquetFormat().read(file, row -> true))
                        .getMessage());
        assertTrue(message.contains(expected), () -> "expected \"" + expected + "\" in: " + message);
    }

    private static byte[] bytes(String name) throws IOException {
        return Files.readAllBytes(Fixtures.FOLDER.resolve(name + ".parquet"));
    }
}
