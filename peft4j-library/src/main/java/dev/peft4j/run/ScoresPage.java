package dev.peft4j.run;

import dev.peft4j.core.train.HtmlReport;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Scores as a section of the page of a run. */
final class ScoresPage {
    static final String TITLE = "Scores of the tuned model on the held-out records";
    private static final int TEXT = 300; // characters of a sample
    private static final double DARKEST = 0.6; // which leaves numbers readable on light and dark pages

    private ScoresPage() {}

    static String of(TaskScores scores) {
        StringBuilder html = new StringBuilder("<table>");
        for (TaskScores.Value v : scores.values()) {
            html.append("<tr><th scope=\"row\">")
                    .append(HtmlReport.escape(v.name()))
                    .append("</th>");
            number(html, format(v.value()));
            html.append("</tr>");
        }
        html.append("</table><p>Of ")
                .append(String.format(Locale.ROOT, "%,d", scores.count()))
                .append(scores.count() == 1 ? " record.</p>" : " records.</p>");
        if (!scores.perClass().isEmpty()) {
            classes(html, scores);
        }
        int[][] matrix = scores.shownConfusion();
        if (matrix.length > 0) {
            confusion(html, names(scores), matrix);
        }
        if (!scores.worst().isEmpty()) {
            worst(html, scores.worst());
        }
        return html.toString();
    }

    private static List<String> names(TaskScores scores) {
        return scores.perClass().stream()
                .map(c -> OneLine.of(c.name(), TaskScores.NAME))
                .toList();
    }

    private static void classes(StringBuilder html, TaskScores scores) {
        html.append("<h3>By class</h3><div class=\"wide\"><table>");
        heads(html, "class", "precision", "recall", "F1", "records");
        for (TaskScores.PerClass c : scores.shownClasses()) {
            html.append("<tr>");
            rowHead(html, OneLine.of(c.name(), TaskScores.NAME));
            number(html, format(c.scores().precision()));
            number(html, format(c.scores().recall()));
            number(html, format(c.scores().f1()));
            number(html, String.format(Locale.ROOT, "%,d", c.scores().support()));
            html.append("</tr>");
        }
        html.append("</table></div>");
        int more = scores.perClass().size() - scores.shownClasses().size();
        if (more > 0) {
            html.append(String.format(Locale.ROOT, "<p>And %,d with fewer records.</p>", more));
        }
    }

    /** A cell is as dark as its share of the records of its row. */
    private static void confusion(StringBuilder html, List<String> names, int[][] matrix) {
        html.append("<h3>Confusion</h3><p>Expected in rows, predicted in columns.</p><div class=\"wide\"><table>");
        heads(html, "", names.toArray(String[]::new));
        for (int r = 0; r < matrix.length; r++) {
            int all = Arrays.stream(matrix[r]).sum();
            html.append("<tr>");
            rowHead(html, names.get(r));
            for (int cell : matrix[r]) {
                double share = all == 0 ? 0 : DARKEST * cell / all;
                html.append(String.format(
                        Locale.ROOT, "<td class=\"n cell\" style=\"--share:%.3f\">%,d</td>", share, cell));
            }
            html.append("</tr>");
        }
        html.append("</table></div>");
    }

    private static void worst(StringBuilder html, List<TaskScores.Sample> worst) {
        if (worst.stream().anyMatch(s -> s.thumbnail() != null)) {
            thumbnails(html, worst);
            return;
        }
        html.append("<h3>Worst first</h3><div class=\"wide\"><table><tr><th scope=\"col\" class=\"n\">loss</th>");
        for (String head : List.of("expected", "predicted", "text")) {
            html.append("<th scope=\"col\">").append(head).append("</th>");
        }
        html.append("</tr>");
        for (TaskScores.Sample s : worst) {
            html.append("<tr>");
            number(html, format(s.loss()));
            html.append("<td>").append(text(s.expected())).append("</td><td>").append(text(s.predicted()));
            html.append("</td><td class=\"text\">").append(text(s.text())).append("</td></tr>");
        }
        html.append("</table></div>");
    }

    /** Images with what they are, what is said of them, and where they are. */
    private static void thumbnails(StringBuilder html, List<TaskScores.Sample> worst) {
        html.append("<h3>Worst first</h3><div class=\"images\">");
        for (TaskScores.Sample s : worst) {
            html.append("<figure>");
            if (s.thumbnail() != null) {
                html.append("<img alt=\"\" src=\"data:image/png;base64,")
                        .append(s.thumbnail())
                        .append("\">");
            }
            html.append("<figcaption><b>")
                    .append(text(s.expected()))
                    .append("</b>, predicted <b>")
                    .append(text(s.predicted()))
                    .append("</b><br>loss ")
                    .append(format(s.loss()))
                    .append("<br><small>")
                    .append(text(s.text()))
                    .append("</small></figcaption></figure>");
        }
        html.append("</div>");
    }

    private static String text(String text) {
        return HtmlReport.escape(OneLine.of(text, TEXT));
    }

    private static void heads(StringBuilder html, String first, String... others) {
        html.append("<tr><th scope=\"col\">").append(first).append("</th>");
        for (String head : others) {
            html.append("<th scope=\"col\" class=\"n\">")
                    .append(HtmlReport.escape(head))
                    .append("</th>");
        }
        html.append("</tr>");
    }

    private static void rowHead(StringBuilder html, String head) {
        html.append("<th scope=\"row\">").append(HtmlReport.escape(head)).append("</th>");
    }

    private static void number(StringBuilder html, String number) {
        html.append("<td class=\"n\">").append(number).append("</td>");
    }

    private static String format(double v) {
        return String.format(Locale.ROOT, "%.4f", v);
    }
}
