package dev.peft4j.core.format;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsTest {
    @TempDir
    Path dir;

    private Path file(String header, byte... data) throws IOException {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        ByteBuffer b = ByteBuffer.allocate(8 + json.length + data.length).order(ByteOrder.LITTLE_ENDIAN);
        b.putLong(json.length).put(json).put(data);
        return Files.write(dir.resolve("t.safetensors"), b.array());
    }

    @Test
    void what_is_written_is_read() throws IOException {
        Path path = dir.resolve("a.safetensors");
        try (Tensor m = Tensor.of(DType.F32, 2, 3, 1, 2, 3, 4, 5, 6);
                Tensor v = Tensor.of(DType.F32, 1, 2, 7, 8)) {
            new SafetensorsWriter()
                    .metadata("format", "pt")
                    .add("m", m, 2, 3)
                    .add("v", v, 2)
                    .addTransposed("t", m, 3, 2)
                    .write(path);
        }
        try (SafetensorsFile f = SafetensorsFile.open(path);
                Tensor m = f.load("m", DType.F32);
                Tensor t = f.load("t", DType.F32);
                Tensor back = f.loadTransposed("t", DType.F64)) {
            assertEquals("pt", f.metadata().get("format"));
            assertEquals(List.of(2L), f.tensors().get("v").shape());
            assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6}, m.toFloats());
            assertArrayEquals(new float[] {1, 4, 2, 5, 3, 6}, t.toFloats());
            assertArrayEquals(m.toFloats(), back.toFloats());
        }
    }

    @Test
    void half_precision_numbers_are_widened_exactly() throws IOException {
        // F16: 1, -2, the smallest subnormal, infinity; BF16: 1, -2
        Path path = file(
                "{\"h\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[0,8]},"
                        + "\"b\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[8,12]}}",
                (byte) 0,
                (byte) 0x3c,
                (byte) 0,
                (byte) 0xc0,
                (byte) 1,
                (byte) 0,
                (byte) 0,
                (byte) 0x7c,
                (byte) 0x80,
                (byte) 0x3f,
                (byte) 0,
                (byte) 0xc0);
        try (SafetensorsFile f = SafetensorsFile.open(path);
                Tensor h = f.load("h", DType.F32);
                Tensor b = f.load("b", DType.F32)) {
            assertArrayEquals(new float[] {1, -2, 0x1p-24f, Float.POSITIVE_INFINITY}, h.toFloats());
            assertArrayEquals(new float[] {1, -2}, b.toFloats());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                " {\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}",
                "{\"a\":{\"dtype\":\"F99\",\"shape\":[1],\"data_offsets\":[0,4]}}",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,4]}}",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}",
                "{\"a\":[[[[[[[[1]]]]]]]]}",
                "{}",
                "[]",
                "{\"a\":"
            })
    void a_damaged_header_is_refused(String header) throws IOException {
        Path path = file(header, (byte) 0, (byte) 0, (byte) 0, (byte) 0);
        String message = assertThrows(BadFileException.class, () -> SafetensorsFile.open(path))
                .getMessage();
        assertTrue(message.startsWith(path.toString()), message);
    }

    @Test
    void a_failed_write_leaves_the_old_file_and_no_other() throws IOException {
        Path path = dir.resolve("x.txt");
        AtomicFile.write(path, "old");
        String message = assertThrows(
                        IOException.class,
                        () -> AtomicFile.write(path, channel -> {
                            throw new IOException("No space left on device");
                        }))
                .getMessage();
        assertTrue(message.contains("No space left on device") && message.contains("bytes are free"), message);
        assertEquals("old", Files.readString(path));
        try (var files = Files.list(dir)) {
            assertEquals(1, files.count());
        }
    }

    @Test
    void an_index_that_leaves_the_directory_is_refused() throws IOException {
        for (String shard : List.of("../evil.safetensors", "/tmp/evil.safetensors", "a/b.safetensors", "model.bin")) {
            Files.writeString(
                    dir.resolve("model.safetensors.index.json"), "{\"weight_map\":{\"a\":\"" + shard + "\"}}");
            String message = assertThrows(BadFileException.class, () -> Checkpoint.open(dir))
                    .getMessage();
            assertTrue(message.contains(shard), message);
        }
    }

    @Test
    void messages_show_control_characters_and_do_not_send_them_to_a_terminal() {
        String message = new BadFileException(dir, "the field \u001b[2J\u0000 is\nnew").getMessage();
        assertEquals(dir + ": the field \\u001b[2J\\u0000 is\nnew", message);
    }

    @Test
    void pickle_checkpoints_are_refused_with_the_way_to_convert_them() throws IOException {
        Files.writeString(dir.resolve("pytorch_model.bin"), "x");
        String message =
                assertThrows(BadFileException.class, () -> Checkpoint.open(dir)).getMessage();
        assertTrue(message.contains("pickle") && message.contains("save_pretrained"), message);
    }
}
