package dev.peft4j.core.format;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file with a tensor above 2 GiB, of which few bytes are ever written: where the file system keeps holes, it needs no room. */
class LargeFileTest {
    private static final int ROWS = 537_000;
    private static final int COLS = 1000;

    @TempDir
    Path dir;

    private static void put(FileChannel channel, long at, float... values) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * values.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        channel.write(bytes, at);
    }

    @Test
    void a_tensor_above_two_gib_and_those_behind_it_are_read() throws IOException {
        long end = 4L * ROWS * COLS;
        String header = "{\"large\":{\"dtype\":\"F32\",\"shape\":[" + ROWS + "," + COLS + "],\"data_offsets\":[0," + end
                + "]},\"single\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[" + end + "," + (end + 12)
                + "]},\"half\":{\"dtype\":\"BF16\",\"shape\":[1,2],\"data_offsets\":[" + (end + 12) + "," + (end + 16)
                + "]}}";
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        long start = 8L + json.length;
        int atGib = Math.toIntExact((1L << 31) / Float.BYTES / COLS); // the row in which it is crossed
        Path file = dir.resolve("large.safetensors");
        try (FileChannel channel = FileChannel.open(
                file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE, StandardOpenOption.SPARSE)) {
            ByteBuffer length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
            channel.write(length.putLong(json.length).flip(), 0);
            channel.write(ByteBuffer.wrap(json), 8);
            for (int row : new int[] {0, atGib, ROWS - 1}) {
                put(channel, start + 4L * row * COLS, row + 1, row + 2);
                put(channel, start + 4L * (row + 1L) * COLS - 4, row + 3);
            }
            put(channel, start + end, 7, 8, 9);
            channel.write(ByteBuffer.wrap(new byte[] {(byte) 0x80, 0x3f, 0, (byte) 0xc0}), start + end + 12); // 1, -2
        }
        try (SafetensorsFile tensors = SafetensorsFile.open(file);
                Tensor large = tensors.load("large", DType.F32);
                Tensor single = tensors.load("single", DType.F32);
                Tensor half = tensors.load("half", DType.F32)) {
            for (int row : new int[] {0, atGib, ROWS - 1}) {
                assertEquals(row + 1, large.get(row, 0));
                assertEquals(row + 2, large.get(row, 1));
                assertEquals(0, large.get(row, 2));
                assertEquals(row + 3, large.get(row, COLS - 1));
            }
            assertArrayEquals(new float[] {7, 8, 9}, single.toFloats());
            assertArrayEquals(new float[] {1, -2}, half.toFloats());
        }
    }
}
