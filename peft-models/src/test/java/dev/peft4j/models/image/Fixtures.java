package dev.peft4j.models.image;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Base64;
import java.util.Objects;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** What scripts/make-image-data.py has made with Pillow and transformers. */
final class Fixtures {
    private Fixtures() {}

    static JsonNode file(String name) {
        try (InputStream in = Objects.requireNonNull(
                Fixtures.class.getResourceAsStream("/image/" + name + ".json"), name + " of the fixtures")) {
            return JsonMapper.builder().build().readTree(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Stream<JsonNode> cases(String name) {
        return StreamSupport.stream(file(name).get("cases").spliterator(), false);
    }

    /** The picture that a file of cases was made of. */
    static Picture noise(String name) {
        return picture(file(name).get("image"));
    }

    static Picture picture(JsonNode told) {
        return Picture.of(
                told.get("channels").asInt(),
                told.get("height").asInt(),
                told.get("width").asInt(),
                bytes(told, "planes"));
    }

    /** The case of a name. */
    static JsonNode named(String file, String name) {
        return cases(file)
                .filter(c -> c.get("name").asText().equals(name))
                .findFirst()
                .orElseThrow();
    }

    static byte[] bytes(JsonNode told, String field) {
        return Base64.getDecoder().decode(told.get(field).asText());
    }

    /** The largest and the mean difference of levels. */
    static double[] difference(Picture a, Picture b) {
        double sum = 0;
        int most = 0;
        byte[] left = a.planes();
        byte[] right = b.planes();
        for (int i = 0; i < left.length; i++) {
            int d = Math.abs((left[i] & 0xff) - (right[i] & 0xff));
            sum += d;
            most = Math.max(most, d);
        }
        return new double[] {most, sum / left.length};
    }
}
