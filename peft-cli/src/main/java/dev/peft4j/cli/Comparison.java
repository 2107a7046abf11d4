package dev.peft4j.cli;

import dev.peft4j.core.format.AtomicFile;
import dev.peft4j.core.train.Evaluation;
import dev.peft4j.core.train.HtmlReport;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** Methods under one budget, as a table for the console and a page with a chart. */
final class Comparison {
    private static final int BAR = 420; // pixels
    private static final int LETTER = 8; // pixels, at most
    private static final String[] HEADS = {
        "method", "rate", "quality", "trained", "step, ms", "training, s", "peak memory, MiB", "on disk, KiB"
    };

    private static final String COLUMNS = "%8s %12s %12s %10s %12s %18s %14s%n";

    private final String title;
    private final String quality; // what it is: perplexity, accuracy
    private final String base; // of the base model
    private final boolean lowerIsBetter;
    private final List<Row> rows = new ArrayList<>();

    /**
     * One method.
     *
     * @param quality on the held-out records
     * @param seconds of the whole training, with what it prepares
     * @param peakBytes of native memory while training, without the model
     */
    record Row(
            String method,
            double rate,
            double quality,
            long trained,
            double stepMillis,
            double seconds,
            long peakBytes,
            long diskBytes) {}

    Comparison(String title, String quality, double base, boolean lowerIsBetter) {
        this.title = title;
        this.quality = quality;
        this.base = number(base);
        this.lowerIsBetter = lowerIsBetter;
    }

    void add(Row row) {
        rows.add(row);
    }

    private static String number(double v) {
        return Evaluation.text(v);
    }

    private static String[] cells(Row r) {
        return new String[] {
            r.method,
            Figures.plain(r.rate),
            number(r.quality),
            String.format(Locale.ROOT, "%,d", r.trained),
            String.format(Locale.ROOT, "%.1f", r.stepMillis),
            String.format(Locale.ROOT, "%.1f", r.seconds),
            String.format(Locale.ROOT, "%.1f", r.peakBytes / 1048576.0),
            String.format(Locale.ROOT, "%.1f", r.diskBytes / 1024.0)
        };
    }

    private List<Row> sorted() {
        List<Row> sorted = new ArrayList<>(rows);
        sorted.sort((a, b) -> Double.compare(a.quality, b.quality) * (lowerIsBetter ? 1 : -1));
        return sorted;
    }

    void print(PrintWriter out) {
        int width = Math.max(
                12, rows.stream().mapToInt(r -> r.method.length()).max().orElse(0));
        String first = "%-" + width + "s ";
        out.printf("%n" + first + COLUMNS, (Object[]) HEADS);
        for (Row r : sorted()) {
            out.printf(first + COLUMNS, (Object[]) cells(r));
        }
        out.printf("quality: %s on the held-out records; the base model has %s%n", quality, base);
    }

    void write(Path file) throws IOException {
        int left = LETTER * rows.stream().mapToInt(r -> r.method.length()).max().orElse(0);
        StringBuilder html = new StringBuilder("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")
                .append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>")
                .append(HtmlReport.escape(title))
                .append("</title><style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;")
                .append("max-width:60rem;margin:2rem auto;padding:0 1rem}h1{font-size:1.5rem}h2{font-size:1.1rem;")
                .append("margin-top:2rem}table{border-collapse:collapse}td,th{padding:.3rem .8rem;border-bottom:1px ")
                .append("solid #8884;text-align:right;font-variant-numeric:tabular-nums}td:first-child,")
                .append("th:first-child{text-align:left}rect{fill:#2a78d6}text{font:13px system-ui,sans-serif;")
                .append("fill:currentColor}</style></head><body><h1>")
                .append(HtmlReport.escape(title))
                .append("</h1><p>")
                .append(HtmlReport.escape(quality))
                .append(" of the base model: ")
                .append(base)
                .append("</p><table><tr>");
        for (String h : HEADS) {
            html.append("<th>").append(HtmlReport.escape(h)).append("</th>");
        }
        html.append("</tr>");
        for (Row r : sorted()) {
            html.append("<tr>");
            for (String c : cells(r)) {
                html.append("<td>").append(HtmlReport.escape(c)).append("</td>");
            }
            html.append("</tr>");
        }
        html.append("</table>");
        bars(html, left, quality + (lowerIsBetter ? " (lower is better)" : " (higher is better)"), Row::quality, 2);
        bars(html, left, "trained parameters", Row::trained, 0);
        bars(html, left, "step, ms", Row::stepMillis, 2);
        bars(html, left, "training, s", Row::seconds, 2);
        AtomicFile.write(file, html.append("</body></html>\n").toString());
    }

    private void bars(StringBuilder html, int left, String head, ToDoubleFunction<Row> value, int column) {
        double most = rows.stream().mapToDouble(value).max().orElse(1);
        html.append("<h2>").append(HtmlReport.escape(head)).append("</h2>");
        html.append(String.format(
                Locale.ROOT,
                "<svg viewBox=\"0 0 %d %d\" style=\"max-width:%1$dpx\" role=\"img\" aria-label=\"%s\">",
                left + BAR + 80,
                26 * rows.size() + 4,
                HtmlReport.escape(head)));
        int y = 2;
        for (Row r : sorted()) {
            double v = value.applyAsDouble(r);
            String label = column == 0 ? String.format(Locale.ROOT, "%,.0f", v) : String.format(Locale.ROOT, "%.4g", v);
            html.append(String.format(
                    Locale.ROOT,
                    "<text x=\"0\" y=\"%d\">%s</text><rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"16\"/>"
                            + "<text x=\"%.1f\" y=\"%d\">%s</text>",
                    y + 15,
                    HtmlReport.escape(r.method),
                    left,
                    y + 2,
                    Math.max(1, BAR * v / Math.max(most, 1e-12)),
                    left + 10 + Math.max(1, BAR * v / Math.max(most, 1e-12)),
                    y + 15,
                    label));
            y += 26;
        }
        html.append("</svg>");
    }
}
