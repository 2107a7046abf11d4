package dev.peft4j.models.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.Json;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What a model reads of a picture is what the processors of transformers make of it, bit for bit. */
class PreprocessingTest {
    @TempDir
    Path dir;

    static Stream<JsonNode> prepared() {
        return Fixtures.cases("prepared");
    }

    private Preprocessing read(String config) throws IOException {
        Files.writeString(dir.resolve("preprocessor_config.json"), config);
        return Preprocessing.read(dir);
    }

    private static void requireEqual(JsonNode expected, Preprocessing p) {
        Picture noise = Fixtures.noise("prepared");
        ImageBatch.Image found = p.apply(noise, Targets.none());
        assertEquals(expected.get("channels").asInt(), found.channels());
        assertEquals(expected.get("height").asInt(), found.height());
        assertEquals(expected.get("width").asInt(), found.width());
        assertEquals(new Resize.Size(found.height(), found.width()), p.outputSize(noise.height(), noise.width()));
        int step = expected.get("step").asInt();
        ByteBuffer bytes = ByteBuffer.wrap(Fixtures.bytes(expected, "values")).order(ByteOrder.LITTLE_ENDIAN);
        float[] values = new float[bytes.capacity() / Float.BYTES];
        bytes.asFloatBuffer().get(values);
        float[] some = new float[values.length];
        IntStream.range(0, some.length).forEach(i -> some[i] = found.values()[i * step]);
        assertArrayEquals(values, some);
    }

    @ParameterizedTest
    @MethodSource("prepared")
    void short_files_mean_what_transformers_reads_in_them(JsonNode expected) throws IOException {
        requireEqual(expected, read(expected.get("config").toString()));
    }

    @ParameterizedTest
    @MethodSource("prepared")
    void files_that_transformers_saves_mean_the_same(JsonNode expected) throws IOException {
        requireEqual(expected, read(expected.get("saved").toString()));
    }

    @ParameterizedTest
    @MethodSource("prepared")
    void what_is_written_is_read_to_the_same_values(JsonNode expected) throws IOException {
        Preprocessing p = read(expected.get("config").toString());
        Preprocessing again = read(Json.print(p.toJson()));
        requireEqual(expected, again);
        assertEquals(again, read(Json.print(again.toJson())));
    }

    @Test
    void old_and_fast_names_are_of_the_same_processors() throws IOException {
        Preprocessing vit = read("{\"image_processor_type\": \"ViTImageProcessor\"}");
        assertEquals(vit, read("{\"feature_extractor_type\": \"ViTFeatureExtractor\", \"size\": 224}"));
        assertEquals(vit, read("{\"image_processor_type\": \"ViTImageProcessorFast\", \"do_pad\": null}"));
        assertEquals(new Resize.Size(224, 224), vit.outputSize(30, 50));
        Files.writeString(dir.resolve("config.json"), "{\"model_type\": \"vit\"}");
        assertEquals(vit, read("{\"resample\": 2}"));
    }

    @Test
    void a_model_of_grey_images_gets_luminance() throws IOException {
        Files.writeString(dir.resolve("config.json"), "{\"num_channels\": 1}");
        Preprocessing p = read("{\"image_processor_type\": \"ViTImageProcessor\", \"do_resize\": false,"
                + " \"image_mean\": [0.5], \"image_std\": [0.5]}");
        Picture noise = Fixtures.noise("prepared");
        ImageBatch.Image image = p.apply(noise, Targets.none());
        assertEquals(1, image.channels());
        int grey = noise.toGrey().level(0, 3, 4);
        assertEquals(((float) (grey / 255.0) - 0.5f) / 0.5f, image.values()[3 * 37 + 4]);
    }

    @Test
    void a_config_without_a_file_beside_it_tells_its_own_preprocessing() throws IOException {
        Files.writeString(
                dir.resolve("config.json"),
                "{\"image_size\": [3, 32, 32], \"preprocessing\": {\"scale\": 0.5, \"mean\": [1, 2, 3],"
                        + " \"std\": [4, 5, 6], \"note\": \"\"}}");
        Preprocessing p = Preprocessing.read(dir);
        assertEquals(Resize.exact(32, 32), p.resize());
        assertEquals(0.5, p.scale());
        assertEquals(List.of(1.0, 2.0, 3.0), p.mean());
        assertEquals(List.of(4.0, 5.0, 6.0), p.std());
    }

    @Test
    void a_config_of_timm_tells_how_its_model_is_evaluated() throws IOException {
        String timm =
                "{\"architecture\": \"resnet50\", \"pretrained_cfg\": {\"input_size\": [3, 224, 224], \"crop_pct\": 0.95,"
                        + " \"interpolation\": \"bicubic\", \"mean\": [0.1, 0.2, 0.3], \"std\": [1, 2, 3]%s}}";
        Files.writeString(dir.resolve("config.json"), timm.formatted(""));
        Preprocessing p = Preprocessing.read(dir);
        assertEquals(
                Preprocessing.of(3)
                        .withResize(Resize.shortestEdge(235), Resampling.BICUBIC)
                        .withCrop(224, 224)
                        .withNormalization(List.of(0.1, 0.2, 0.3), List.of(1.0, 2.0, 3.0)),
                p);
        Files.writeString(dir.resolve("config.json"), timm.formatted(", \"crop_mode\": \"squash\""));
        BadFileException e = assertThrows(BadFileException.class, () -> Preprocessing.read(dir));
        assertTrue(String.valueOf(e.getMessage()).contains("crop_mode squash"), e::getMessage);
    }

    @Test
    void without_any_file_images_are_prepared_as_for_image_net() throws IOException {
        Preprocessing p = Preprocessing.read(dir);
        assertEquals(Preprocessing.IMAGENET_MEAN, p.mean());
        assertEquals(new Resize.Size(224, 224), p.outputSize(480, 640));
        Files.writeString(dir.resolve("config.json"), "{\"image_size\": 28, \"num_channels\": 1}");
        Preprocessing grey = Preprocessing.read(dir);
        assertEquals(Resize.exact(28, 28), grey.resize());
        assertEquals(List.of(0.5), grey.mean());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"image_processor_type\": \"CLIPImageProcessor\"} | is for the processor CLIP",
                "{\"size\": 3} | names no \"image_processor_type\"",
                "{\"image_processor_type\": \"ViTImageProcessor\", \"do_pad\": true} | \"do_pad\" is true",
                "{\"image_processor_type\": \"ViTImageProcessor\", \"do_flip_channel_order\": true} | which is not there",
                "{\"image_processor_type\": \"ViTImageProcessor\", \"do_reduce_labels\": 1} | which is not there",
                "{\"image_processor_type\": \"ViTImageProcessor\", \"resample\": 7} | from 0 to 5",
                "{\"image_processor_type\": \"ViTImageProcessor\", \"resample\": \"2\"} | from 0 to 5",
                "{\"image_processor_type\": \"ViTImageProcessor\", \"size\": {\"longest_edge\": 3}} | shortest_edge",
                "{\"image_processor_type\": \"ViTImageProcessor\", \"size\": {\"height\": \"3\", \"width\": 3}} | whole number",
                "{\"image_processor_type\": \"ViTImageProcessor\", \"size\": 0} | an edge of 0 pixels",
                "{\"image_processor_type\": \"ViTImageProcessor\", \"size\": 100000} | an edge of 100000 pixels",
                "{\"image_processor_type\": \"ViTImageProcessor\", \"do_center_crop\": true} | crop_size",
                "{\"image_processor_type\": \"ViTImageProcessor\", \"do_resize\": \"yes\"} | true or false",
                "{\"image_processor_type\": \"ViTImageProcessor\", \"image_std\": [1, 0, 1]} | deviations are not 0",
                "{\"image_processor_type\": \"ViTImageProcessor\", \"rescale_factor\": 1e300} | what they make of levels is finite",
                "{\"image_processor_type\": \"ViTImageProcessor\", \"image_mean\": [1, 2]} | one of each for every channel",
                "{\"image_processor_type\": \"ViTImageProcessor\", \"image_mean\": \"x\"} | a number for each channel",
                "{\"image_processor_type\": \"ViTImageProcessor\", \"rescale_factor\": \"x\"} | a number was expected",
                "{\"image_processor_type\": \"ViTImageProcessor\", \"data_format\": \"channels_last\"} | channels_first",
                "{\"image_processor_type\": \"ConvNextImageProcessor\", \"size\": {\"height\": 3, \"width\": 3}} | shortest_edge",
                "{\"image_processor_type\": \"ConvNextImageProcessor\", \"size\": 3, \"crop_pct\": 0} | a share above 0",
                "{\"image_processor_type\": \"ConvNextImageProcessor\", \"do_center_crop\": true} | crops by \"crop_pct\"",
                "{\"image_processor_type\": 3} | a text was expected"
            })
    void what_is_not_there_or_makes_no_sense_is_refused_by_its_field(String config, String expected) {
        BadFileException e = assertThrows(BadFileException.class, () -> read(config));
        String message = String.valueOf(e.getMessage());
        assertTrue(message.contains("preprocessor_config.json") && message.contains(expected), message);
    }

    @Test
    void numbers_that_do_not_fit_the_channels_are_refused() {
        Preprocessing p = Preprocessing.of(3);
        assertThrows(BadInputException.class, () -> Preprocessing.of(2));
        assertThrows(BadInputException.class, () -> p.withNormalization(List.of(0.5), List.of(0.5)));
        assertThrows(BadInputException.class, () -> p.withScale(Double.NaN));
        assertThrows(BadInputException.class, () -> p.withCrop(0, 3));
    }
}
