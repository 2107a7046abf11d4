package dev.peft4j.models.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that are no images, or too large ones, are refused by their names, and cost neither the process nor its memory. */
class BadImagesTest {
    @TempDir
    Path dir;

    private static byte[] file(String name) {
        return Fixtures.bytes(Fixtures.named("files", name), "file");
    }

    private static void refused(Path file, String expected) {
        String message = String.valueOf(
                assertThrows(BadFileException.class, () -> Picture.read(file)).getMessage());
        assertTrue(message.contains(file.toString()) && message.contains(expected), message);
    }

    /** Reading them to the end would take all memory. */
    @Test
    void streams_without_an_end_are_refused_by_their_beginning() {
        InputStream endless = new InputStream() {
            @Override
            public int read() {
                return 0;
            }
        };
        String message = String.valueOf(assertThrows(BadFileException.class, () -> Picture.read(endless, "zeros"))
                .getMessage());
        assertTrue(message.contains("zeros"), message);
    }

    private static byte[] chunk(String kind, byte... data) {
        byte[] name = kind.getBytes(StandardCharsets.ISO_8859_1);
        CRC32 crc = new CRC32();
        crc.update(name);
        crc.update(data);
        return ByteBuffer.allocate(12 + data.length)
                .putInt(data.length)
                .put(name)
                .put(data)
                .putInt((int) crc.getValue())
                .array();
    }

    /** A PNG file that tells a size and has other pixels. */
    private Path png(int width, int height, int bytes) throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (DeflaterOutputStream out = new DeflaterOutputStream(packed, new Deflater(9))) {
            out.write(new byte[bytes]);
        }
        byte[] header = ByteBuffer.allocate(13)
                .putInt(width)
                .putInt(height)
                .put(new byte[] {8, 2, 0, 0, 0})
                .array();
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.write(new byte[] {(byte) 0x89, 'P', 'N', 'G', 13, 10, 26, 10});
        all.write(chunk("IHDR", header));
        all.write(chunk("IDAT", packed.toByteArray()));
        all.write(chunk("IEND"));
        return Files.write(dir.resolve(width + "x" + height + ".png"), all.toByteArray());
    }

    @Test
    void a_small_file_that_tells_a_huge_size_is_refused_by_its_header() throws IOException {
        refused(png(100_000, 100_000, 10), "says that it has 100000 x 100000 pixels, and at most 178956970 are read");
        refused(png(Integer.MAX_VALUE, Integer.MAX_VALUE, 10), "at most 178956970");
    }

    @Test
    void a_header_that_tells_more_than_the_bytes_can_hold_is_refused_before_memory_is_taken() throws IOException {
        refused(png(9_000, 9_000, 10), "bytes cannot hold so many");
    }

    @Test
    void a_header_that_tells_a_little_more_than_there_is_is_refused() throws IOException {
        refused(png(10, 10, 9 * 31), "damaged");
        assertEquals("Picture[3 x 10 x 10]", Picture.read(png(10, 10, 10 * 31)).toString());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"rgb.png", "palette.gif", "rgb.bmp", "photo.jpg", "progressive.jpg", "cmyk.jpg", "grey-16.png"})
    void a_file_that_is_cut_short_anywhere_is_refused(String name) throws IOException {
        byte[] whole = file(name);
        for (int eighth = 0; eighth < 8; eighth++) {
            int length = whole.length * eighth / 8;
            Path cut = Files.write(dir.resolve(eighth + name), Arrays.copyOf(whole, length));
            refused(cut, length == 0 ? "is empty" : "expected");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"rgb.png", "palette.png", "animated.gif", "part.gif", "palette.bmp", "photo.jpg", "ycck.jpg"})
    void damaged_files_give_a_picture_or_are_refused_by_name(String name) throws IOException {
        byte[] whole = file(name);
        Random random = new Random(name.hashCode());
        int refused = 0;
        for (int i = 0; i < 300; i++) {
            byte[] damaged = whole.clone();
            for (int j = 0; j <= i % 4; j++) {
                damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
            }
            try {
                Picture.decode(damaged, name);
            } catch (BadFileException e) {
                refused++;
                assertTrue(String.valueOf(e.getMessage()).startsWith(name + ": "), e.getMessage());
            }
        }
        assertTrue(refused > 0, "none of 300 damaged files was refused");
    }

    @Test
    void what_is_no_image_is_told_with_how_it_begins() throws IOException {
        refused(Files.writeString(dir.resolve("a.png"), "hello"), "begins with the bytes [104, 101, 108, 108, 111]");
        refused(Files.write(dir.resolve("zeros.png"), new byte[64]), "begins with the bytes [0, 0,");
        refused(Files.write(dir.resolve("empty.png"), new byte[0]), "is empty");
        refused(dir, "there is a directory");
        refused(dir.resolve("none.png"), "there is no file");
    }

    @Test
    void planes_that_are_not_as_many_as_pixels_are_refused() {
        assertThrows(BadInputException.class, () -> Picture.of(3, 2, 2, new byte[4]));
        assertThrows(BadInputException.class, () -> Picture.of(2, 1, 1, new byte[2]));
        assertThrows(BadInputException.class, () -> Picture.of(3, 0, 2, new byte[0]));
        Picture p = Picture.of(1, 1, 1, new byte[] {7});
        assertEquals(7, p.level(0, 0, 0));
        assertThrows(BadInputException.class, () -> p.level(0, 0, 1));
    }

    @Test
    void sizes_that_no_image_has_are_refused() {
        Picture p = Picture.of(1, 1, 1, new byte[1]);
        assertThrows(BadInputException.class, () -> Resampling.BOX.resize(p, 0, 4));
        assertThrows(BadInputException.class, () -> Resampling.BOX.resize(p, 100_000, 100_000));
    }

    @Test
    void the_kept_files_are_those_of_one_version_of_pillow() {
        JsonNode files = Fixtures.file("files");
        assertEquals("13.0.0", files.get("pillow").asText());
    }
}
