package dev.peft4j.models.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.StreamSupport;

/** Cases with the values of Python, made by scripts/make-metric-fixtures.py. */
final class MetricCases {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private MetricCases() {}

    static List<JsonNode> read(String name) throws IOException {
        try (InputStream in =
                Objects.requireNonNull(MetricCases.class.getResourceAsStream("/metrics/" + name + ".json"))) {
            List<JsonNode> cases = new ArrayList<>();
            JSON.readTree(in).get("cases").forEach(cases::add);
            assertTrue(cases.size() > 50, name + " has " + cases.size());
            return cases;
        }
    }

    /** Numbers within {@code 1e-9} of 1 or of their size; null is NaN. */
    static void near(JsonNode expected, double actual, String what, JsonNode of) {
        boolean near = expected.isNull()
                ? Double.isNaN(actual)
                : Math.abs(actual - expected.doubleValue()) <= 1e-9 * Math.max(1, Math.abs(expected.doubleValue()));
        assertTrue(near, () -> what + " is " + actual + " and not " + expected + " of " + of);
    }

    static void same(JsonNode expected, Scores actual, String what, JsonNode of) {
        near(expected.get(0), actual.precision(), what + " precision", of);
        near(expected.get(1), actual.recall(), what + " recall", of);
        near(expected.get(2), actual.f1(), what + " f1", of);
        assertEquals(expected.get(3).longValue(), actual.support(), () -> what + " support of " + of);
    }

    static void same(JsonNode expected, List<Scores> actual, JsonNode of) {
        assertEquals(expected.size(), actual.size(), of::toString);
        for (int i = 0; i < actual.size(); i++) {
            same(expected.get(i), actual.get(i), "class " + i, of);
        }
    }

    static List<JsonNode> list(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false).toList();
    }

    static int[] ints(JsonNode array) {
        return list(array).stream().mapToInt(JsonNode::intValue).toArray();
    }

    static int[][] rowsOfInts(JsonNode array) {
        return list(array).stream().map(MetricCases::ints).toArray(int[][]::new);
    }

    static double[] doubles(JsonNode array) {
        return list(array).stream().mapToDouble(JsonNode::doubleValue).toArray();
    }

    static double[][] rowsOfDoubles(JsonNode array) {
        return list(array).stream().map(MetricCases::doubles).toArray(double[][]::new);
    }

    static boolean[][] rowsOfFlags(JsonNode array) {
        int[][] rows = rowsOfInts(array);
        boolean[][] flags = new boolean[rows.length][];
        for (int i = 0; i < rows.length; i++) {
            flags[i] = new boolean[rows[i].length];
            for (int j = 0; j < flags[i].length; j++) {
                flags[i][j] = rows[i][j] == 1;
            }
        }
        return flags;
    }

    static List<String> texts(JsonNode array) {
        return list(array).stream().map(JsonNode::textValue).toList();
    }

    static List<List<String>> rowsOfTexts(JsonNode array) {
        return list(array).stream().map(MetricCases::texts).toList();
    }
}
