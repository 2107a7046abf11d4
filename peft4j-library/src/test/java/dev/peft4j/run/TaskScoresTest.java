package dev.peft4j.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.format.Json;
import dev.peft4j.core.train.HtmlReport;
import dev.peft4j.models.data.AnswerEncoder;
import dev.peft4j.models.metrics.ClassMetrics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Scores as lines, as JSON and as part of a page. */
class TaskScoresTest {
    private static final String HOSTILE = "<script>alert(1)</script>\n\u202e\u001b[31m & \"text\" " + "x".repeat(1000);

    @TempDir
    Path dir;

    /** Of so many classes, each of which is once right and once taken for the first one. */
    private static TaskScores of(int classes) {
        ClassMetrics m = ClassMetrics.of(
                IntStream.range(0, 2 * classes).map(i -> i / 2).toArray(),
                IntStream.range(0, 2 * classes).map(i -> i % 2 * (i / 2)).toArray(),
                classes);
        return new TaskScores(
                2 * classes,
                List.of(new TaskScores.Value("accuracy", m.accuracy()), new TaskScores.Value("Pearson", Double.NaN)),
                IntStream.range(0, classes)
                        .mapToObj(c -> new TaskScores.PerClass(
                                c == 1 ? "<i>one</i>" : "class " + c,
                                m.perClass().get(c)))
                        .toList(),
                m.cells(),
                List.of(new TaskScores.Sample(HOSTILE, "class 0", "<i>one</i>", 1.25)));
    }

    @Test
    void lines_have_columns_under_each_other() {
        List<String> lines = of(3).toString().lines().toList();
        assertEquals("  accuracy 0.6667, Pearson NaN", lines.get(0));
        assertEquals("  class                precision    recall        F1   records", lines.get(1));
        assertEquals("  class 0                 0.5000    1.0000    0.6667         2", lines.get(2));
        assertEquals("  expected in rows, predicted in columns:", lines.get(5));
        assertEquals("  <i>one</i>                 1       1       0", lines.get(7));
        assertEquals("  worst first:", lines.get(9));
        assertTrue(
                lines.get(10)
                        .startsWith("  loss 1.2500  class 0, predicted <i>one</i>: <script>alert(1)</script> [31m"),
                lines.get(10));
        assertTrue(lines.get(10).endsWith(" ...") && lines.get(10).length() < 130, lines.get(10));
        assertEquals(11, lines.size());
    }

    @Test
    void what_has_many_classes_is_shown_in_part() {
        assertTrue(of(12).toString().contains("expected in rows"));
        assertFalse(of(13).toString().contains("expected in rows"));
        assertFalse(ScoresPage.of(of(13)).contains("Confusion"));
        assertEquals(39, of(13).confusion().size() + 14, "all cells stay in the value");
        assertTrue(of(60).toString().contains("and 10 with fewer records"));
        assertTrue(ScoresPage.of(of(60)).contains("And 10 with fewer records"));
    }

    @Test
    void the_page_shows_texts_as_they_are() {
        String html = ScoresPage.of(of(3));
        assertTrue(html.contains("&lt;script&gt;alert(1)&lt;/script&gt; [31m &amp; &quot;text&quot; xxx"), html);
        assertFalse(html.contains("<script") || html.contains("<i>") || html.contains("\u202e"), html);
        assertTrue(html.contains("<th scope=\"row\">accuracy</th><td class=\"n\">0.6667</td>"), html);
        assertTrue(html.contains("style=\"--share:0.300\">1</td>"), "half of its row, and the darkest is 0.6: " + html);
        assertTrue(html.length() < 5000, html.length() + " characters");
    }

    @Test
    void the_page_is_whole_html() throws IOException {
        HtmlReport report = new HtmlReport("A run", Map.of());
        report.setSection(ScoresPage.TITLE, "old");
        report.setSection(ScoresPage.TITLE, ScoresPage.of(of(12)));
        Path file = dir.resolve("report.html");
        report.write(file);
        String html = Files.readString(file);
        assertFalse(html.contains("old"), "a section is replaced by one of the same title");
        Deque<String> open = new ArrayDeque<>();
        List<String> headings = new ArrayList<>();
        Matcher tags = Pattern.compile("<(/?)([a-z0-9]+)[^>]*>([^<]*)").matcher(html);
        while (tags.find()) {
            if (!tags.group(1).isEmpty()) {
                assertEquals(open.pop(), tags.group(2), () -> "at " + tags.start());
            } else if (!List.of("meta", "line", "path", "circle", "polyline", "rect")
                    .contains(tags.group(2))) {
                open.push(tags.group(2));
            }
            if (tags.group(1).isEmpty() && tags.group(2).matches("h[23]")) {
                headings.add(tags.group(3));
            }
        }
        assertTrue(open.isEmpty(), open::toString);
        assertEquals(List.of(ScoresPage.TITLE, "By class", "Confusion", "Worst first", "Loss", "Settings"), headings);
    }

    @Test
    void json_has_what_means_something() throws IOException {
        Map<String, Object> json = Json.parse(Json.printLine(of(3).toJson()));
        assertEquals(Map.of("accuracy", 4 / 6.0), json.get("values"));
        assertEquals(6, json.get("count"));
        assertEquals(List.of(1, 0, 1), ((List<?>) json.get("confusion")).get(1));
        Map<?, ?> worst = (Map<?, ?>) ((List<?>) json.get("worst")).get(0);
        assertTrue(String.valueOf(worst.get("text")).length() < 410);
        Map<?, ?> first = (Map<?, ?>) ((List<?>) json.get("classes")).get(0);
        assertEquals("class 0", first.get("name"));
        assertEquals(0.5, first.get("precision"));
    }

    @Test
    void values_are_asked_for_by_name() {
        TaskScores scores =
                new TaskScores(1, List.of(new TaskScores.Value("F1", 0.5)), List.of(), List.of(), List.of());
        assertEquals(0.5, scores.value("F1"));
        assertEquals("F1 0.5000", scores.line());
        assertFalse(scores.isEmpty());
        assertTrue(TaskScores.none().isEmpty());
    }

    @Test
    void a_text_on_one_line_keeps_whole_characters() {
        assertEquals("a b", OneLine.of(" a\t\u0000\n b ", 10));
        assertEquals("ab ...", OneLine.of("abc", 2));
        assertEquals("abc", OneLine.of("abc", 3));
        assertEquals("a\ud83d\ude00", OneLine.of("a\ud83d\ude00", 3));
        assertEquals("\ufffd", OneLine.of("\ud83d", 3));
    }

    @Test
    void the_best_span_is_one_of_at_most_thirty_tokens_without_space_around() {
        String text = " a" + " b".repeat(40);
        int n = 41;
        int[] begins = IntStream.range(0, n).map(i -> 2 * i).toArray(); // with the space in front
        int[] ends = IntStream.range(0, n).map(i -> 2 * i + 2).toArray();
        AnswerEncoder.Window window = new AnswerEncoder.Window(new int[n + 1], new int[n + 1], 1, begins, ends);
        double[][] z = new double[n + 1][2];
        z[0][0] = 1; // no answer
        z[1][0] = 5; // the first token begins
        z[1 + 30][1] = 4; // the 31st would end: too long
        z[1 + 2][1] = 3;
        BestSpan best = BestSpan.of(text, List.of(window), List.<double[][]>of(z));
        assertEquals("a b b", text.substring(best.begin(), best.end()));
        assertEquals(5 + 3 - 1, best.score());
        z[1 + 29][1] = 4;
        best = BestSpan.of(text, List.of(window), List.<double[][]>of(z));
        assertEquals(60, best.end());
    }
}
