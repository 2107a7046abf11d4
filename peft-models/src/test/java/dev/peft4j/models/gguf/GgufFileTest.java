package dev.peft4j.models.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufFileTest {
    @TempDir
    private Path temporary;

    @Test
    void every_type_of_value_is_read() throws IOException {
        try (GgufFile file = GgufFile.open(Gguf.file("types.gguf"))) {
            Map<String, Object> m = file.metadata();
            assertEquals(255L, m.get("a.uint8"));
            assertEquals(-128L, m.get("a.int8"));
            assertEquals(65535L, m.get("a.uint16"));
            assertEquals(-32768L, m.get("a.int16"));
            assertEquals(4294967295L, m.get("a.uint32"));
            assertEquals(-2147483648L, m.get("a.int32"));
            assertEquals(1e-5f, m.get("a.float32"));
            assertEquals(true, m.get("a.bool"));
            assertEquals("café 中文 😀", m.get("a.string"));
            assertEquals(BigInteger.TWO.pow(64).subtract(BigInteger.ONE), m.get("a.uint64"));
            assertEquals(Long.MIN_VALUE, m.get("a.int64"));
            assertEquals(1e-300, m.get("a.float64"));
            assertEquals(List.of("", "x", "Ġ"), m.get("a.strings"));
            assertEquals(List.of(1L, -2L, 3L), m.get("a.int32s"));
            assertEquals(List.of(0.5f, -1.5f), m.get("a.float32s"));
            assertEquals(List.of(true, false), m.get("a.bools"));
            assertEquals(List.of(List.of(1L, 2L), List.of(3L)), m.get("a.nested"));
        }
    }

    private static float[] floats(Object bits) {
        List<?> list = (List<?>) bits;
        float[] out = new float[list.size()];
        for (int i = 0; i < out.length; i++) {
            out[i] = Float.intBitsToFloat((int) ((Number) list.get(i)).longValue());
        }
        return out;
    }

    @Test
    void every_format_decodes_to_the_bits_of_python() throws IOException {
        Map<?, ?> expected = (Map<?, ?>) Json.read(Gguf.file("types.json")).get("tensors");
        try (GgufFile file = GgufFile.open(Gguf.file("types.gguf"))) {
            for (GgufType type : GgufType.values()) {
                String name = type + ".weight";
                GgufTensor tensor = file.tensors().get(name);
                assertNotNull(tensor);
                assertEquals(type, tensor.type());
                assertEquals(List.of(3L, 64L), tensor.shape());
                float[] all = floats(((Map<?, ?>) expected.get(type.name())).get("bits"));
                assertArrayEquals(bits(all), bits(file.rows(name, 0, 3)), name);
                float[] last = new float[64];
                System.arraycopy(all, 128, last, 0, 64);
                assertArrayEquals(bits(last), bits(file.rows(name, 2, 1)), name);
                try (Tensor t = file.load(name, DType.F32)) {
                    assertArrayEquals(bits(all), bits(t.toFloats()), name);
                }
            }
        }
    }

    private static int[] bits(float[] values) {
        int[] out = new int[values.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = Float.floatToRawIntBits(values[i]);
        }
        return out;
    }

    @Test
    void numbers_of_16_bits_are_those_of_python() throws IOException {
        Map<String, Object> expected = Json.read(Gguf.file("types.json"));
        float[] numbers = floats(expected.get("numbers"));
        for (int i = 0; i < numbers.length; i++) {
            int half = (Integer) ((List<?>) expected.get("f16")).get(i);
            int brain = (Integer) ((List<?>) expected.get("bf16")).get(i);
            assertEquals((short) half, SixteenBits.toHalf(numbers[i]), numbers[i] + " as F16");
            assertEquals((short) brain, SixteenBits.toBf16(numbers[i]), numbers[i] + " as BF16");
        }
        float[] halves = new float[1 << 16];
        int n = 0;
        for (int i = 0; i < 1 << 16; i++) {
            float value = SixteenBits.half((short) i);
            if (!Float.isNaN(value)) {
                halves[n++] = value;
            }
            assertEquals((short) i, SixteenBits.toHalf(value)); // NaN too
            assertEquals((short) i, SixteenBits.toBf16(Float.intBitsToFloat(i << 16)));
        }
        assertEquals(expected.get("halves"), Gguf.sha256(java.util.Arrays.copyOf(halves, n)));
    }

    @Test
    void tensors_have_rows_whatever_their_dimensions_are() throws IOException {
        try (GgufFile file = GgufFile.open(Gguf.file("types.gguf"))) {
            assertEquals(List.of(2L, 3L, 4L, 8L), file.tensors().get("deep").shape());
            assertArrayEquals(new float[] {184, 185, 186, 187, 188, 189, 190, 191}, file.rows("deep", 23, 1));
            assertEquals(1, file.tensors().get("vector").rows());
            assertEquals(0, file.rows("vector", 1, 0).length);
            assertThrows(BadInputException.class, () -> file.rows("deep", 23, 2));
            assertThrows(BadInputException.class, () -> file.rows("deep", -1, 1));
            assertThrows(BadFileException.class, () -> file.rows("none", 0, 1));
        }
    }

    @Test
    void other_formats_are_refused_by_name() {
        String message = assertThrows(BadFileException.class, () -> GgufFile.open(Gguf.file("q4_k.gguf")))
                .getMessage();
        assertTrue(message.contains("token_embd.weight holds Q4_K numbers"), message);
    }

    @Test
    void what_is_written_is_read() throws IOException {
        Path path = temporary.resolve("written.gguf");
        new GgufWriter()
                .text("t", "ä")
                .count("c", 7)
                .number("n", 0.1f)
                .flag("f", false)
                .texts("ts", List.of("a", ""))
                .counts("cs", List.of(1, 2))
                .numbers("ns", 1, -1)
                .add("m", GgufType.F32, () -> new float[] {1, 2, 3, 4, 5, 6}, 2, 3)
                .add("h", GgufType.F16, () -> new float[] {0.1f}, 1)
                .add("b", GgufType.BF16, () -> new float[] {0.1f, 1}, 1, 1, 2)
                .write(path);
        try (GgufFile file = GgufFile.open(path)) {
            assertEquals(
                    "{t=ä, c=7, n=0.1, f=false, ts=[a, ], cs=[1, 2], ns=[1.0, -1.0]}",
                    file.metadata().toString());
            assertEquals(List.of("m", "h", "b"), List.copyOf(file.tensors().keySet()));
            assertArrayEquals(new float[] {4, 5, 6}, file.rows("m", 1, 1));
            assertArrayEquals(new float[] {0.099975586f}, file.rows("h", 0, 1));
            assertArrayEquals(new float[] {Float.intBitsToFloat(0x3dcd0000), 1}, file.rows("b", 0, 1));
        }
    }

    @Test
    void what_cannot_be_written_is_refused_and_leaves_an_older_file() throws IOException {
        Path path = temporary.resolve("kept.gguf");
        Files.writeString(path, "older");
        GgufWriter tooFew = new GgufWriter().add("w", GgufType.F32, () -> new float[1], 2);
        assertThrows(BadInputException.class, () -> tooFew.write(path));
        assertEquals("older", Files.readString(path));
        assertFalse(Files.exists(temporary.resolve(".kept.gguf.tmp")));
        GgufWriter w = new GgufWriter().text("k", "v");
        assertThrows(BadInputException.class, () -> w.text("k", "v"));
        assertThrows(BadInputException.class, () -> w.count("c", -1));
        assertThrows(BadInputException.class, () -> w.add("q", GgufType.Q4_0, () -> new float[32], 32));
        assertThrows(BadInputException.class, () -> w.add("x".repeat(64), GgufType.F32, () -> new float[1], 1));
        assertThrows(BadInputException.class, () -> w.add("w", GgufType.F32, () -> new float[1], 1, 1, 1, 1, 1));
        assertThrows(BadInputException.class, () -> w.add("w", GgufType.F32, () -> new float[0], 0));
    }

    /** A header by hand. */
    private Path written(int version, long tensors, long entries, Consumer<ByteBuffer> rest) throws IOException {
        ByteBuffer b = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
        b.put("GGUF".getBytes(StandardCharsets.US_ASCII))
                .putInt(version)
                .putLong(tensors)
                .putLong(entries);
        rest.accept(b);
        Path path = temporary.resolve("hand.gguf");
        Files.write(path, java.util.Arrays.copyOf(b.array(), b.position()));
        return path;
    }

    private static ByteBuffer text(ByteBuffer b, String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        return b.putLong(utf8.length).put(utf8);
    }

    private void assertRefused(String part, Path path) {
        String message =
                assertThrows(BadFileException.class, () -> GgufFile.open(path)).getMessage();
        assertTrue(message.contains(part), message);
    }

    @Test
    void lies_about_sizes_are_refused() throws IOException {
        Consumer<ByteBuffer> nothing = b -> {};
        assertRefused("number of tensors", written(3, 1L << 60, 0, nothing));
        assertRefused("number of tensors", written(3, -1, 0, nothing));
        assertRefused("number of values", written(3, 0, 1L << 40, nothing));
        assertRefused("version 1", written(1, 0, 0, nothing));
        assertRefused("version 4", written(4, 0, 0, nothing));
        assertRefused("big endian", written(3 << 24, 0, 0, nothing));
        assertRefused(
                "length of a text", written(3, 0, 1, b -> b.putLong(1L << 62).putLong(0)));
        assertRefused(
                "type of a value is 13",
                written(3, 0, 1, b -> text(b, "k").putInt(13).putLong(0)));
        assertRefused(
                "truth value is 2",
                written(3, 0, 1, b -> text(b, "key").putInt(7).put((byte) 2)));
        assertRefused(
                "length of an array",
                written(3, 0, 1, b -> text(b, "k").putInt(9).putInt(8).putLong(1L << 61)));
        assertRefused("twice", written(3, 0, 2, b -> {
            text(b, "key").putInt(4).putInt(1);
            text(b, "key").putInt(4).putInt(1);
        }));
        assertRefused(
                "not UTF-8",
                written(3, 0, 1, b -> b.putLong(1).put((byte) 0xff).putInt(4).putInt(1)));
        assertRefused("arrays lie inside each other", written(3, 0, 1, b -> {
            text(b, "k").putInt(9);
            for (int i = 0; i < 100; i++) {
                b.putInt(9).putLong(1);
            }
        }));
        Path empty = temporary.resolve("empty.gguf");
        Files.write(empty, new byte[0]);
        assertRefused("4 more bytes", empty);
        assertRefused("expected here", temporary.resolve("missing.gguf"));
        assertRefused("expected here", temporary);
        Files.writeString(empty, "{\"json\": true}");
        assertRefused("begin with GGUF", empty);
    }

    private Path tensor(long dimension, int type, long offset) throws IOException {
        return written(3, 1, 0, b -> {
            text(b, "w").putInt(1).putLong(dimension).putInt(type).putLong(offset);
            b.position(128);
        });
    }

    @Test
    void lies_about_tensors_are_refused() throws IOException {
        GgufFile.open(tensor(8, 0, 32)).close(); // 64 bytes of data
        assertRefused("bytes of data", tensor(9, 0, 32));
        assertRefused("bytes of data", tensor(1L << 60, 0, 0));
        assertRefused("dimension 18446744073709551615", tensor(-1, 0, 0));
        assertRefused("bytes from", tensor(8, 0, 8));
        assertRefused("bytes from", tensor(8, 0, Long.MIN_VALUE));
        assertRefused("blocks of 32", tensor(8, 8, 0));
        assertRefused("Q5_1", tensor(32, 7, 0));
        assertRefused("number 99", tensor(32, 99, 0));
        assertRefused("number 4294967295", tensor(32, -1, 0));
        assertRefused("dimension 0", tensor(0, 0, 0));
        assertRefused("lie over each other", written(3, 2, 0, b -> {
            text(b, "a").putInt(1).putLong(9).putInt(0).putLong(0);
            text(b, "b").putInt(1).putLong(8).putInt(0).putLong(32);
            b.position(256);
        }));
        assertRefused("two tensors", written(3, 2, 0, b -> {
            text(b, "a").putInt(1).putLong(8).putInt(0).putLong(0);
            text(b, "a").putInt(1).putLong(8).putInt(0).putLong(32);
            b.position(256);
        }));
        assertRefused(
                "power of two",
                written(3, 0, 1, b -> text(b, "general.alignment").putInt(4).putInt(48)));
        assertRefused("5 dimensions", written(3, 1, 0, b -> {
            text(b, "w").putInt(5);
            b.position(128);
        }));
    }

    @Test
    void an_interrupted_thread_reads_nothing() {
        Thread.currentThread().interrupt();
        assertThrows(StoppedException.class, () -> GgufFile.open(Gguf.file("types.gguf")));
        assertTrue(Thread.interrupted());
    }

    @Test
    void another_alignment_is_followed() throws IOException {
        Path path = written(2, 1, 1, b -> {
            text(b, "general.alignment").putInt(4).putInt(64);
            text(b, "w").putInt(1).putLong(1).putInt(0).putLong(64);
            b.position(192).putFloat(5);
        });
        try (GgufFile file = GgufFile.open(path)) {
            assertArrayEquals(new float[] {5}, file.rows("w", 0, 1));
        }
    }
}
