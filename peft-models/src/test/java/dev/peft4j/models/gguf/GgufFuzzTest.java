package dev.peft4j.models.gguf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.peft4j.core.error.BadFileException;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Damaged files are refused with an error that says so, in memory that their size warrants. More cases with {@code -Dpeft4j.fuzz=200000}, others with {@code
 * -Dpeft4j.fuzz.seed=2}.
 */
class GgufFuzzTest {
    private static final int CASES = Integer.getInteger("peft4j.fuzz", 3000);
    private static final long SEED = Long.getLong("peft4j.fuzz.seed", 1);
    private static final long MOST_BYTES = 8 << 20; // of memory for a file of 4 KB
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @TempDir
    private Path temporary;

    /** Opens a file and reads all that it has; whether it is a good one. */
    private static boolean isRead(Path path) throws IOException {
        long before = THREADS.getThreadAllocatedBytes(Thread.currentThread().getId());
        boolean good;
        try (GgufFile file = GgufFile.open(path)) {
            assertTrue(file.metadata().toString().startsWith("{"));
            for (GgufTensor tensor : file.tensors().values()) {
                file.rows(tensor.name(), 0, (int) tensor.rows());
            }
            good = true;
        } catch (BadFileException e) {
            good = false;
        }
        long taken = THREADS.getThreadAllocatedBytes(Thread.currentThread().getId()) - before;
        assertTrue(taken < MOST_BYTES, taken + " bytes");
        return good;
    }

    private static long endOfData(Path path) throws IOException {
        try (GgufFile file = GgufFile.open(path)) {
            return file.tensors().values().stream()
                    .mapToLong(t -> t.offset() + t.bytes())
                    .max()
                    .orElseThrow();
        }
    }

    @Test
    void a_cut_file_is_refused() throws IOException {
        byte[] whole = Files.readAllBytes(Gguf.file("types.gguf"));
        Path cut = temporary.resolve("cut.gguf");
        int end = (int) endOfData(Gguf.file("types.gguf"));
        for (int n = 0; n < end; n++) {
            Files.write(cut, Arrays.copyOf(whole, n));
            int length = n;
            assertThrows(BadFileException.class, () -> GgufFile.open(cut).close(), () -> length + " bytes");
        }
        Files.write(cut, Arrays.copyOf(whole, end));
        assertTrue(isRead(cut));
    }

    private static void damage(byte[] bytes, Random random, int within) {
        for (int i = random.nextInt(4); i >= 0; i--) {
            int at = random.nextInt(within);
            bytes[at] = switch (random.nextInt(4)) {
                case 0 -> (byte) random.nextInt(256);
                case 1 -> (byte) 0xff;
                case 2 -> 0;
                default -> (byte) (bytes[at] ^ (1 << random.nextInt(8)));
            };
        }
    }

    @Test
    void other_bytes_are_read_or_refused() throws IOException {
        byte[] whole = Files.readAllBytes(Gguf.file("types.gguf"));
        Random random = new Random(SEED);
        Path damaged = temporary.resolve("damaged.gguf");
        int good = 0;
        for (int i = 0; i < CASES; i++) {
            byte[] bytes = whole.clone();
            damage(bytes, random, 1500);
            Files.write(damaged, bytes);
            int number = i;
            try {
                good += isRead(damaged) ? 1 : 0;
            } catch (RuntimeException | Error e) {
                throw new AssertionError("seed " + SEED + ", case " + number, e);
            }
        }
        assertTrue(good > CASES / 100 && good < CASES * 9 / 10, good + " of " + CASES);
    }

    @Test
    void a_damaged_model_is_converted_or_refused() throws IOException {
        Path whole = temporary.resolve("whole.gguf");
        TinyLlama.writer(1).write(whole);
        byte[] good = Files.readAllBytes(whole);
        Random random = new Random(SEED);
        Path damaged = temporary.resolve("damaged.gguf");
        Path out = temporary.resolve("out");
        Set<String> messages = new TreeSet<>();
        int converted = 0;
        for (int i = 0; i < CASES / 3; i++) {
            byte[] bytes = good.clone();
            damage(bytes, random, bytes.length - 512 * 4);
            Files.write(damaged, bytes);
            try {
                GgufConversion.toDirectory(damaged, out);
                converted++;
            } catch (BadFileException e) {
                messages.add(e.getMessage().replaceAll("[^a-z ]", ""));
            } catch (RuntimeException | Error e) {
                throw new AssertionError("seed " + SEED + ", case " + i, e);
            }
        }
        assertTrue(messages.size() > 10 && converted > 0, messages + ", " + converted + " converted");
        try (Stream<Path> files = Files.list(out)) { // and no temporary ones
            assertEquals(5, files.count());
        }
    }
}
