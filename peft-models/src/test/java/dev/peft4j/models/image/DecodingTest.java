package dev.peft4j.models.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Files become the pixels that Pillow makes of them. */
class DecodingTest {
    @TempDir
    Path dir;

    static Stream<String> exact() {
        return names("exact");
    }

    static Stream<String> near() {
        return names("near");
    }

    private static Stream<String> names(String kind) {
        return Fixtures.cases("files")
                .filter(c -> c.get("kind").asText().equals(kind))
                .map(c -> c.get("name").asText());
    }

    private static Picture decoded(JsonNode told) throws IOException {
        return Picture.decode(Fixtures.bytes(told, "file"), told.get("name").asText())
                .toRgb();
    }

    @ParameterizedTest
    @MethodSource("exact")
    void png_gif_and_bmp_files_are_the_bytes_of_pillow(String name) throws IOException {
        JsonNode told = Fixtures.named("files", name);
        Picture expected = Fixtures.picture(told);
        Picture found = decoded(told);
        assertEquals(expected.toString(), found.toString());
        assertArrayEquals(expected.planes(), found.planes());
    }

    /** Exact inverse transform and interpolated chromas are bit for bit those of libjpeg 6b in libjpeg-turbo. */
    @ParameterizedTest
    @MethodSource("near")
    void jpeg_files_are_the_bytes_of_pillow(String name) throws IOException {
        JsonNode told = Fixtures.named("files", name);
        Picture expected = Fixtures.picture(told);
        Picture found = decoded(told);
        assertEquals(expected.toString(), found.toString());
        double[] difference = Fixtures.difference(expected, found);
        assertTrue(difference[0] == 0, () -> name + ": at most " + difference[0] + " levels, mean " + difference[1]);
    }

    @Test
    void a_file_a_stream_and_bytes_are_one_picture() throws IOException {
        JsonNode told = Fixtures.named("files", "rgb.png");
        byte[] bytes = Fixtures.bytes(told, "file");
        Path file = Files.write(dir.resolve("a.png"), bytes);
        Picture expected = Picture.decode(bytes, "a");
        assertEquals(expected, Picture.read(file));
        assertEquals(expected, Picture.read(new ByteArrayInputStream(bytes), "a"));
        assertEquals(Fixtures.picture(told), expected);
    }

    @Test
    void an_orientation_in_exif_turns_nothing() throws IOException {
        Picture turned = decoded(Fixtures.named("files", "turned.jpg"));
        assertEquals(decoded(Fixtures.named("files", "photo-75.jpg")), turned);
    }

    @Test
    void grey_files_have_one_channel_until_they_are_asked_for_three() throws IOException {
        Picture grey = Picture.decode(Fixtures.bytes(Fixtures.named("files", "grey.png"), "file"), "grey");
        assertEquals(1, grey.channels());
        assertEquals(grey, grey.toRgb().toGrey());
    }

    @Test
    void images_of_java_are_taken_in_all_their_types() {
        int[] types = {
            BufferedImage.TYPE_INT_RGB,
            BufferedImage.TYPE_INT_ARGB,
            BufferedImage.TYPE_INT_ARGB_PRE,
            BufferedImage.TYPE_INT_BGR,
            BufferedImage.TYPE_3BYTE_BGR,
            BufferedImage.TYPE_4BYTE_ABGR,
            BufferedImage.TYPE_4BYTE_ABGR_PRE
        };
        for (int type : types) {
            BufferedImage image = new BufferedImage(3, 2, type);
            image.setRGB(2, 1, 0xff0a141e);
            Picture p = Picture.of(image.getSubimage(1, 1, 2, 1));
            assertEquals("Picture[3 x 1 x 2]", p.toString());
            assertArrayEquals(new byte[] {0, 10, 0, 20, 0, 30}, p.planes(), () -> "type " + type);
        }
    }

    @Test
    void the_parts_of_a_picture_are_black_where_it_ends() {
        Picture p = Picture.of(1, 2, 2, new byte[] {1, 2, 3, 4});
        assertArrayEquals(
                new byte[] {0, 0, 0, 0, 1, 2, 0, 3, 4}, p.crop(-1, -1, 3, 3).planes());
        assertArrayEquals(new byte[] {4, 0}, p.crop(1, 1, 1, 2).planes());
        assertArrayEquals(new byte[] {0, 0}, p.crop(0, 5, 1, 2).planes());
        assertArrayEquals(new byte[] {2, 1, 4, 3}, p.flipped().planes());
    }
}
