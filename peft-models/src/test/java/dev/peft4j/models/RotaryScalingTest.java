package dev.peft4j.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.layer.RotaryAngles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The angles of configs, compared with those of transformers ({@code scripts/make-rotation-fixtures.py}). */
class RotaryScalingTest {
    private static final int HEAD = 16;
    private static final int CONTEXT = 64;
    private static final List<Double> FACTORS = Collections.nCopies(HEAD / 2, 2.0);
    private static final Map<String, Object> YARN = Map.of("rope_type", "yarn", "factor", 4.0);
    private static final Map<String, Object> LONGROPE = Map.of(
            "type",
            "longrope",
            "short_factor",
            FACTORS,
            "long_factor",
            FACTORS,
            "original_max_position_embeddings",
            16);

    @TempDir
    Path directory;

    record Case(String name, Map<?, ?> json) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Case> cases() throws IOException {
        Path file = Path.of("src/test/resources/rotations.json");
        return ((List<?>) Json.read(file).get("cases"))
                .stream().map(c -> new Case(String.valueOf(((Map<?, ?>) c).get("name")), (Map<?, ?>) c));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void angles_are_those_of_transformers(Case c) throws IOException {
        RotaryAngles angles = angles(fields((Map<?, ?>) c.json.get("config")), (String) c.json.get("kind"));
        for (Object entry : (List<?>) c.json.get("lengths")) {
            Map<?, ?> expected = (Map<?, ?>) entry;
            int length = ((Number) expected.get("length")).intValue();
            assertEquals(number(expected.get("factor")), angles.factor(), 1e-12, "factor");
            float[] found = angles.of(length);
            List<?> list = (List<?>) expected.get("angles");
            assertEquals(list.size(), found.length);
            for (int i = 0; i < found.length; i++) {
                double e = number(list.get(i));
                assertEquals(e, found[i], 4e-7 * e, "angle " + i + " of " + length + " tokens");
            }
        }
    }

    private RotaryAngles angles(Map<String, Object> fields, String kind) throws IOException {
        ModelConfig config = ModelConfig.of(directory, fields);
        String type = String.valueOf(fields.get("model_type"));
        if (type.equals("phi3")) {
            return RotaryScaling.partial(config, HEAD, CONTEXT, config.size("original_max_position_embeddings", 4096));
        }
        if (kind == null) {
            return RotaryScaling.angles(config, HEAD, CONTEXT);
        }
        boolean full = kind.equals("full_attention");
        double theta = full ? config.number("rope_theta", 1e6) : config.number("rope_local_base_freq", 1e4);
        ModelConfig older = full || type.equals("modernbert") ? config.object("rope_scaling") : null;
        return RotaryScaling.ofKind(config, kind, theta, older, HEAD, CONTEXT);
    }

    private static Map<String, Object> fields(Map<?, ?> json) {
        Map<String, Object> fields = new LinkedHashMap<>();
        json.forEach((key, value) -> fields.put(String.valueOf(key), value));
        return fields;
    }

    private static double number(Object value) {
        return ((Number) value).doubleValue();
    }

    @Test
    void long_sequences_have_other_angles_and_keys_hold_up_to_them() throws IOException {
        Map<String, Object> scaling = new LinkedHashMap<>(LONGROPE);
        scaling.put("long_factor", Collections.nCopies(HEAD / 2, 3.0));
        RotaryAngles angles = scaled(scaling);
        assertEquals(1 / 2.0, angles.of(16)[0], 1e-6);
        assertEquals(1 / 3.0, angles.of(17)[0], 1e-6);
        assertEquals(16, angles.longest());
        assertEquals(16, angles.keysHoldTo());
        assertEquals(Integer.MAX_VALUE, scaled(YARN).keysHoldTo());
        assertEquals(
                Integer.MAX_VALUE,
                scaled(Map.of("type", "dynamic", "factor", 2.0)).keysHoldTo());
    }

    @Test
    void a_context_is_as_long_as_the_rotation_is_stretched() throws IOException {
        assertEquals(256, context(YARN));
        assertEquals(64, context(with(YARN, "original_max_position_embeddings", 16)));
        assertEquals(128, context(Map.of("type", "dynamic", "factor", 2.0)));
        assertEquals(64, context(Map.of("type", "linear", "factor", 2.0)));
        assertEquals(64, context(LONGROPE));
        assertEquals(1 << 24, context(with(YARN, "factor", 1e30)));
    }

    private int context(Map<String, Object> scaling) throws IOException {
        return RotaryScaling.context(ModelConfig.of(directory, Map.of("rope_scaling", scaling)), CONTEXT);
    }

    private RotaryAngles scaled(Map<String, Object> scaling) throws IOException {
        return RotaryScaling.angles(ModelConfig.of(directory, Map.of("rope_scaling", scaling)), HEAD, CONTEXT);
    }

    private static Map<String, Object> with(Map<String, Object> scaling, String name, Object value) {
        Map<String, Object> changed = new LinkedHashMap<>(scaling);
        changed.put(name, value);
        return changed;
    }

    @ParameterizedTest
    @CsvSource({"short_factor", "long_factor"})
    void factors_of_columns_are_refused_by_name(String name) {
        List<Object> text = new ArrayList<>(FACTORS);
        text.set(3, "two");
        List<Object> values = Arrays.asList(
                null,
                2.0,
                List.of(),
                FACTORS.subList(1, HEAD / 2),
                text,
                Collections.nCopies(HEAD / 2, 0),
                Collections.nCopies(HEAD / 2, -1.0),
                Collections.nCopies(HEAD / 2, 1e300));
        for (Object value : values) {
            assertRefused(with(LONGROPE, name, value), name);
        }
    }

    @Test
    void wrong_fields_are_refused_by_name() {
        assertRefused(Map.of("type", "yarn"), "factor");
        assertRefused(Map.of("type", "dynamic"), "factor");
        for (String name : List.of("factor", "attention_factor")) {
            assertRefused(with(YARN, name, 0), name);
            assertRefused(with(YARN, name, -1.5), name);
            assertRefused(with(YARN, name, "four"), name);
        }
        assertRefused(with(YARN, "original_max_position_embeddings", 0), "original_max_position_embeddings");
        assertRefused(with(YARN, "beta_fast", "32"), "beta_fast");
        assertRefused(with(YARN, "beta_fast", -1), "beta_fast");
        assertRefused(with(YARN, "truncate", 1), "truncate");
        assertRefused(with(YARN, "low_freq_factor", 1.0), "low_freq_factor");
        assertRefused(with(LONGROPE, "beta_fast", 32), "beta_fast");
        assertRefused(Map.of("type", "dynamic", "factor", 2.0, "alpha", 1000), "alpha");
        assertRefused(with(YARN, "partial_rotary_factor", 0.5), "partial_rotary_factor");
        assertRefused(with(YARN, "rope_type", "proportional"), "proportional");
    }

    private void assertRefused(Map<String, Object> scaling, String named) {
        BadFileException e = assertThrows(BadFileException.class, () -> scaled(scaling), scaling::toString);
        assertTrue(String.valueOf(e.getMessage()).contains(named), e.getMessage());
    }
}
