package dev.peft4j.core.train;

import dev.peft4j.core.format.AtomicFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Collects a run and writes it as one HTML page that needs nothing else: results, sections of what else was measured, loss curves as inline SVG, settings,
 * samples.
 */
public final class HtmlReport implements TrainingListener {
    private final String title;
    private final Map<String, String> settings;
    private final List<Sample> samples = new ArrayList<>();
    private final Map<String, String> sections = new LinkedHashMap<>(); // HTML by title
    private final List<double[]> losses = new ArrayList<>(); // step, loss
    private final List<double[]> evaluations = new ArrayList<>(); // step, loss
    private long trainable;
    private long all;
    private @Nullable TrainingResult result;
    private List<String> newModules = List.of(); // with random values at the start

    private record Sample(String prompt, String before, String after) {}

    /** An empty report. */
    public HtmlReport(String title, Map<String, String> settings) {
        this.title = title;
        this.settings = new LinkedHashMap<>(settings);
    }

    /** Adds a continuation by the base and one by the tuned model. */
    public void addSample(String prompt, String before, String after) {
        samples.add(new Sample(prompt, before, after));
    }

    /**
     * Puts a section behind the results, in place of one of the same title.
     *
     * @param heading in plain text
     * @param html of the section: what is text in it went through {@link #escape}
     */
    public void setSection(String heading, String html) {
        sections.put(heading, html);
    }

    @Override
    public void onNewModules(List<String> modules) {
        newModules = modules;
    }

    @Override
    public void onStart(int steps, long trainableCount, long allCount) {
        trainable = trainableCount;
        all = allCount;
    }

    @Override
    public void onStep(int step, double loss, double learningRate, double gradientNorm, int tokens, double seconds) {
        losses.add(new double[] {step, loss});
    }

    @Override
    public void onEvaluation(int step, Evaluation evaluation) {
        evaluations.removeIf(e -> e[0] == step); // a run that was killed does it again
        evaluations.add(new double[] {step, evaluation.loss()});
    }

    @Override
    public void onEnd(TrainingResult end) {
        result = end;
    }

    /** Writes the page. */
    public void write(Path file) throws IOException {
        StringBuilder html = new StringBuilder();
        html.append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")
                .append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>")
                .append(escape(title))
                .append("</title><style>")
                .append(STYLE)
                .append("</style></head><body><h1>")
                .append(escape(title))
                .append("</h1>");
        TrainingResult r = result;
        if (r != null) {
            results(html, r);
        }
        sections.forEach((heading, body) ->
                html.append("<h2>").append(escape(heading)).append("</h2>").append(body));
        html.append("<h2>Loss</h2>").append(LossChart.svg(losses, evaluations));
        if (!samples.isEmpty()) {
            html.append("<h2>Samples</h2><table><tr><th>prompt</th><th>base</th><th>tuned</th></tr>");
            for (Sample s : samples) {
                row(html, s.prompt, s.before, s.after);
            }
            html.append("</table>");
        }
        html.append("<h2>Settings</h2><table>");
        settings.forEach((k, v) -> row(html, k, v));
        html.append("</table></body></html>\n");
        AtomicFile.write(file, html.toString());
    }

    private void results(StringBuilder html, TrainingResult r) {
        Evaluation base = r.base();
        Evaluation tuned = r.tuned();
        if (base != null && tuned != null) {
            if (r.isWorse()) {
                html.append(
                        "<p class=\"worse\">The tuned model is worse than the model before training on the held-out records.</p>");
            }
            String before = newModules.isEmpty() ? "base" : "untrained";
            html.append("<h2>Held-out records</h2><table>");
            row(html, "", before, "tuned");
            row(html, "loss", format(base.loss()), format(tuned.loss()));
            row(html, tuned.measureName(), base.measuredText(), tuned.measuredText());
            html.append("</table><p>").append(tuned.countText()).append(" on each side.</p>");
            if (!newModules.isEmpty()) {
                html.append("<p>Untrained means that ")
                        .append(escape(String.join(", ", newModules)))
                        .append(" had random values, because the checkpoint has none.</p>");
            }
        }
        html.append("<table>");
        row(
                html,
                "trained parameters",
                String.format(Locale.ROOT, "%,d of %,d (%.4f%%)", trainable, all, 100.0 * trainable / all));
        row(html, "steps", r.steps() + end(r));
        row(
                html,
                r.unit(),
                String.format(
                        Locale.ROOT,
                        "%,d in %.1f s (%,.0f per second)",
                        r.tokens(),
                        r.seconds(),
                        r.tokens() / r.seconds()));
        html.append("</table>");
    }

    private static String end(TrainingResult r) {
        if (r.stoppedEarly()) {
            return " (stopped early: the held-out loss no longer fell)";
        }
        return r.interrupted() ? " (stopped from outside before its end)" : "";
    }

    private static void row(StringBuilder html, String head, String... cells) {
        html.append("<tr><th>").append(escape(head)).append("</th>");
        for (String c : cells) {
            html.append("<td>").append(escape(c)).append("</td>");
        }
        html.append("</tr>");
    }

    private static String format(double v) {
        return String.format(Locale.ROOT, "%.4f", v);
    }

    /** A text as a page has to have it to show it. */
    public static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }

    private static final String STYLE = ":root{color-scheme:light dark;--line:#8884;--loss:#2a78d6;--eval:#d9622b}"
            + "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
            + "h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}"
            + "table{border-collapse:collapse}td,th{padding:.3rem .8rem;border-bottom:1px solid var(--line);text-align:left;"
            + "vertical-align:top;font-variant-numeric:tabular-nums}th{font-weight:600}"
            + "svg{width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:currentColor}"
            + ".grid{stroke:var(--line)}.loss{stroke:var(--loss);fill:none;stroke-width:2}.raw{stroke:var(--loss);fill:none;"
            + "opacity:.25}.eval{stroke:var(--eval);fill:none;stroke-width:2}.dot{fill:var(--eval)}"
            + ".wide{overflow-x:auto}td.n,th.n{text-align:right}td.cell{background:rgb(42 120 214/var(--share))}"
            + "td.text{overflow-wrap:anywhere;min-width:16rem}h3{font-size:1rem;margin:1.5rem 0 .5rem}"
            + ".images{display:grid;grid-template-columns:repeat(auto-fill,minmax(9rem,1fr));gap:1rem}.images figure{margin:0}"
            + ".images img{width:96px;height:96px;object-fit:contain;image-rendering:pixelated}"
            + ".images figcaption{font-size:.85rem;overflow-wrap:anywhere}"
            + ".worse{border-left:4px solid #c00;padding:.5rem 1rem}";
}
