package dev.peft4j.core.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Loss curves as an SVG picture: training loss, raw and smoothed, and loss on the held-out records. */
final class LossChart {
    private static final int WIDTH = 900;
    private static final int HEIGHT = 340;
    private static final int LEFT = 60;
    private static final int RIGHT = 20;
    private static final int TOP = 30;
    private static final int BOTTOM = 40;
    private static final int MOST_POINTS = 600;
    private static final double SMOOTHING = 0.9;

    private final double lastStep;
    private final double low;
    private final double high;

    private LossChart(List<double[]> losses, List<double[]> evaluations) {
        List<double[]> all = new ArrayList<>(losses);
        all.addAll(evaluations);
        lastStep = Math.max(1, all.stream().mapToDouble(p -> p[0]).max().orElse(1));
        low = 0;
        high = 1.05 * Math.max(1e-9, all.stream().mapToDouble(p -> p[1]).max().orElse(1));
    }

    /** The picture; points are (step, loss). */
    static String svg(List<double[]> losses, List<double[]> evaluations) {
        LossChart chart = new LossChart(losses, evaluations);
        StringBuilder svg = new StringBuilder();
        svg.append(String.format(
                Locale.ROOT, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"loss by step\">", WIDTH, HEIGHT));
        chart.axes(svg);
        chart.line(svg, "raw", thin(losses));
        chart.line(svg, "loss", thin(smooth(losses)));
        chart.line(svg, "eval", evaluations);
        for (double[] p : evaluations) {
            svg.append(String.format(
                    Locale.ROOT,
                    "<circle class=\"dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"><title>step %.0f: %.4f</title></circle>",
                    chart.x(p[0]),
                    chart.y(p[1]),
                    p[0],
                    p[1]));
        }
        svg.append(String.format(
                Locale.ROOT,
                "<path class=\"loss\" d=\"M%d,14h24\"/><text x=\"%d\" y=\"18\">training (smoothed)</text>",
                LEFT,
                LEFT + 30));
        svg.append(String.format(
                Locale.ROOT,
                "<path class=\"eval\" d=\"M%d,14h24\"/><text x=\"%d\" y=\"18\">held-out</text></svg>",
                LEFT + 180,
                LEFT + 210));
        return svg.toString();
    }

    private double x(double step) {
        return LEFT + (WIDTH - LEFT - RIGHT) * step / lastStep;
    }

    private double y(double loss) {
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - loss) / (high - low);
    }

    private void axes(StringBuilder svg) {
        for (int i = 0; i <= 4; i++) {
            double loss = low + (high - low) * i / 4;
            double step = Math.rint(lastStep * i / 4); // a label stands where its number is
            svg.append(String.format(
                    Locale.ROOT, "<path class=\"grid\" d=\"M%d,%.1fH%d\"/>", LEFT, y(loss), WIDTH - RIGHT));
            svg.append(String.format(
                    Locale.ROOT,
                    "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.2f</text>",
                    LEFT - 8,
                    y(loss) + 4,
                    loss));
            svg.append(String.format(
                    Locale.ROOT,
                    "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.0f</text>",
                    x(step),
                    HEIGHT - BOTTOM + 18,
                    step));
        }
        svg.append(String.format(
                Locale.ROOT,
                "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">step</text>",
                (WIDTH + LEFT) / 2,
                HEIGHT - 6));
    }

    private void line(StringBuilder svg, String style, List<double[]> points) {
        if (points.size() < 2) {
            return;
        }
        svg.append("<path class=\"").append(style).append("\" d=\"");
        for (int i = 0; i < points.size(); i++) {
            double[] p = points.get(i);
            svg.append(String.format(Locale.ROOT, "%s%.1f,%.1f", i == 0 ? "M" : "L", x(p[0]), y(p[1])));
        }
        svg.append("\"/>");
    }

    /** Exponential moving average with the correction for its start. */
    private static List<double[]> smooth(List<double[]> points) {
        List<double[]> out = new ArrayList<>();
        double mean = 0;
        double weight = 0;
        for (double[] p : points) {
            mean = SMOOTHING * mean + (1 - SMOOTHING) * p[1];
            weight = SMOOTHING * weight + (1 - SMOOTHING);
            out.add(new double[] {p[0], mean / weight});
        }
        return out;
    }

    /** At most some hundred points, evenly spread. */
    private static List<double[]> thin(List<double[]> points) {
        int every = Math.max(1, (points.size() + MOST_POINTS - 1) / MOST_POINTS);
        List<double[]> out = new ArrayList<>();
        for (int i = 0; i < points.size(); i += every) {
            out.add(points.get(i));
        }
        return out;
    }
}
