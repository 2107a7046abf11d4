package dev.peft4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.format.Json;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.xml.sax.SAXException;

/** How steps grow, measured on a tiny model, and the charts of it. */
class GrowthCommandTest {
    @TempDir
    Path dir;

    private final CommandFixture command = new CommandFixture();
    private Path config = Path.of("");

    @BeforeEach
    void write() throws IOException {
        config = dir.resolve("config.json");
        Files.writeString(config, Json.print(BenchModels.gpt2(64)));
    }

    /** Elements of a class in a picture, which has to be well formed. */
    private static List<Element> elements(String svg, String tag, String style)
            throws ParserConfigurationException, SAXException, IOException {
        Document document = DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)));
        assertEquals("svg", document.getDocumentElement().getTagName());
        List<Element> found = new ArrayList<>();
        var all = document.getElementsByTagName(tag);
        IntStream.range(0, all.getLength()).forEach(i -> {
            if (all.item(i) instanceof Element e && e.getAttribute("class").equals(style)) {
                found.add(e);
            }
        });
        return found;
    }

    @Test
    void a_chart_has_a_point_for_each_size_and_a_table_a_row() throws Exception {
        Path out = dir.resolve("charts");
        command.works(
                "growth",
                "--by",
                "layers",
                "--sizes",
                "3,1",
                "--steps",
                1,
                "--rounds",
                2,
                "--config",
                config,
                "--out",
                out);
        String svg = Files.readString(out.resolve("growth-layers.svg"));
        assertEquals(2, elements(svg, "circle", "time-dot").size());
        List<Element> memory = elements(svg, "circle", "memory-dot");
        assertEquals(2, memory.size());
        assertTrue(memory.get(0).getTextContent().startsWith("1: "), svg);
        assertTrue(memory.get(1).getTextContent().matches("3: [1-9][0-9]* MiB"), svg);
        List<String> rows =
                command.out.lines().filter(l -> l.matches("\\| [0-9]+ \\|.*")).toList();
        assertEquals(2, rows.size(), command.out);
        assertTrue(rows.get(0).startsWith("| 1 | ") && rows.get(1).startsWith("| 3 | "), command.out);
    }

    @ParameterizedTest
    @EnumSource(Growth.class)
    void every_kind_of_growth_is_measured(Growth growth) throws IOException {
        Map<String, Object> result = Json.parse(
                command.works("growth", "--here", "--by", growth, "--sizes", 2, "--steps", 1, "--config", config));
        assertEquals(new TreeSet<>(List.of("loadavg", "peak_rss_mb", "step_ms")), new TreeSet<>(result.keySet()));
        assertTrue(result.get("step_ms") instanceof Number n && n.doubleValue() > 0, result.toString());
    }

    @Test
    void sizes_change_what_they_are_called_by_and_nothing_else() {
        assertEquals(new GrowthPoint(4, 128, 8, 0, Map.of()), Growth.TOKENS.at(512, 1024));
        assertEquals(new GrowthPoint(1, 100, 8, 0, Map.of()), Growth.TOKENS.at(100, 1024));
        assertEquals(new GrowthPoint(1, 4096, 8, 0, Map.of("n_positions", 4096)), Growth.LENGTH.at(4096, 1024));
        assertEquals(new GrowthPoint(1, 256, 8, 0, Map.of("n_positions", 1024)), Growth.LENGTH.at(256, 1024));
        assertEquals(new GrowthPoint(4, 128, 64, 0, Map.of()), Growth.RANK.at(64, 1024));
        assertEquals(new GrowthPoint(4, 128, 8, 0, Map.of("n_layer", 3)), Growth.LAYERS.at(3, 1024));
        assertEquals(new GrowthPoint(4, 128, 8, 0, Map.of("vocab_size", 99)), Growth.VOCABULARY.at(99, 1024));
        assertEquals(new GrowthPoint(32, 32, 8, 5, Map.of()), Growth.ADAPTERS.at(5, 1024));
        assertEquals(new GrowthPoint(4, 128, 8, 0, Map.of()), Growth.THREADS.at(2, 1024));
    }

    @Test
    void the_usual_model_is_the_one_of_the_benchmark() throws IOException {
        Map<String, Object> shape = Json.parse(new String(
                GrowthCommand.class.getResourceAsStream("/bench/config.json").readAllBytes(), StandardCharsets.UTF_8));
        assertEquals(12, shape.get("n_layer"));
        assertEquals(768, shape.get("n_embd"));
        assertEquals(50257, shape.get("vocab_size"));
    }

    @Test
    void points_lie_where_their_numbers_are() throws Exception {
        String svg = GrowthChart.svg(
                "sizes",
                List.of(
                        new GrowthChart.Point(1, 10, 300),
                        new GrowthChart.Point(2, 40, 400),
                        new GrowthChart.Point(4, 40, 200)));
        List<Element> time = elements(svg, "circle", "time-dot");
        List<Element> memory = elements(svg, "circle", "memory-dot");
        double left = 64;
        double width = 640 - 2 * left;
        for (int i = 0; i < 3; i++) {
            assertEquals(left + width * new int[] {1, 2, 4}[i] / 4, number(time.get(i), "cx"), 0.1);
            assertEquals(number(time.get(i), "cx"), number(memory.get(i), "cx"));
        }
        assertEquals(number(time.get(1), "cy"), number(time.get(2), "cy"));
        assertEquals(34, number(time.get(1), "cy"), 0.1); // at the end of the axis
        assertEquals(34, number(memory.get(1), "cy"), 0.1);
        assertEquals(34 + 222 * 0.75, number(time.get(0), "cy"), 0.1);
        assertEquals(34 + 222 * 0.5, number(memory.get(2), "cy"), 0.1);
        assertEquals(2, elements(svg, "path", "memory").size()); // the line, and its mark above
    }

    private static double number(Element element, String attribute) {
        return Double.parseDouble(element.getAttribute(attribute));
    }

    @Test
    void what_makes_no_sense_is_refused() throws IOException {
        command.fails("--rounds 0 was given", "growth", "--by", "rank", "--rounds", 0);
        command.fails("--steps 0 was given", "growth", "--by", "rank", "--steps", 0);
        command.fails("a size is at least 1", "growth", "--by", "rank", "--sizes", "0");
        command.fails("count different things", "growth", "--by", "rank,layers", "--sizes", "2");
        command.fails("several numbers of threads", "growth", "--by", "threads", "--threads", 2);
        command.fails("a step of 200 tokens", "growth", "--by", "tokens", "--sizes", "200");
        command.fails("Give --threads 1 too", "growth", "--by", "rank", "--processor-time");
        Path other = dir.resolve("other.json");
        Files.writeString(other, "{\"model_type\":\"llama\"}");
        command.fails("with n_positions was expected", "growth", "--by", "rank", "--config", other);
        command.fails("--by colour was given, where one of [tokens, length,", "growth", "--by", "colour");
        command.fails("--sizes many was given, where a whole number", "growth", "--by", "rank", "--sizes", "many");
    }

    @Test
    void time_of_the_processor_does_not_count_sleep() {
        double[] slept = StopWatch.ofThisThread(2).seconds(i -> LockSupport.parkNanos(50_000_000));
        double[] waited = new StopWatch(2, null).seconds(i -> LockSupport.parkNanos(50_000_000));
        assertEquals(2, slept.length);
        assertTrue(Figures.median(slept) < 0.04, Arrays.toString(slept));
        assertTrue(Figures.median(waited) >= 0.04, Arrays.toString(waited));
    }

    @Test
    void a_size_that_cannot_be_measured_ends_the_command() throws IOException {
        Path unknown = dir.resolve("unknown.json");
        Files.writeString(unknown, "{\"model_type\":\"mamba\",\"n_positions\":8}");
        Object[] words = {
            "growth", "--by", "adapters", "--sizes", 2, "--config", unknown, "--out", dir.resolve("charts")
        };
        command.fails("ended with status 1", words);
        assertTrue(Files.notExists(dir.resolve("charts/growth-adapters.svg")));
    }
}
