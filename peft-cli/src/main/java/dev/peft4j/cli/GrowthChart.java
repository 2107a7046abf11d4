package dev.peft4j.cli;

import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** Time and memory of a step by its size as an SVG picture: time on the left axis, memory on the right one, both from zero. */
final class GrowthChart {
    private static final int WIDTH = 640;
    private static final int HEIGHT = 300;
    private static final int LEFT = 64;
    private static final int RIGHT = 64;
    private static final int TOP = 34;
    private static final int BOTTOM = 44;
    private static final int GAPS = 4;

    private static final String STYLE = "text{font:12px system-ui,sans-serif;fill:#777}.grid{stroke:#8884}"
            + ".time,.memory,.straight{fill:none;stroke-width:2}.time{stroke:#2a78d6}.memory{stroke:#d9622b}"
            + ".straight{stroke:#2a78d6;stroke-width:1;stroke-dasharray:4 4;opacity:.6}"
            + ".time-dot{fill:#2a78d6}.memory-dot{fill:#d9622b}";

    /** Time and memory of a size. */
    record Point(int size, double milliseconds, double mebibytes) {}

    private final List<Point> points;
    private final double largest;

    private GrowthChart(List<Point> points) {
        this.points = points;
        largest = most(Point::size);
    }

    /**
     * The picture. A thin line joins the first time with the last one, from which the times between them bend away if they do not grow evenly.
     *
     * @param axis what the sizes count
     */
    static String svg(String axis, List<Point> points) {
        GrowthChart chart = new GrowthChart(points);
        StringBuilder svg = new StringBuilder();
        svg.append(String.format(
                Locale.ROOT,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"time and memory by %s\">%n<style>%s</style>%n",
                WIDTH,
                HEIGHT,
                axis,
                STYLE));
        double time = roundUp(chart.most(Point::milliseconds));
        double memory = roundUp(chart.most(Point::mebibytes));
        chart.axes(svg, axis, time, memory);
        if (points.size() > 2) {
            chart.line(
                    svg, "straight", List.of(points.get(0), points.get(points.size() - 1)), Point::milliseconds, time);
        }
        chart.line(svg, "time", points, Point::milliseconds, time);
        chart.line(svg, "memory", points, Point::mebibytes, memory);
        chart.dots(svg, "time", "ms", Point::milliseconds, time);
        chart.dots(svg, "memory", "MiB", Point::mebibytes, memory);
        return svg.append("</svg>\n").toString();
    }

    private double most(ToDoubleFunction<Point> value) {
        return points.stream().mapToDouble(value).max().orElse(1);
    }

    /** The end of an axis: 1, 2, 4, 6 or 8 times a power of ten. */
    private static double roundUp(double value) {
        double power = Math.pow(10, Math.floor(Math.log10(Math.max(value, 1e-9))));
        for (int n : new int[] {1, 2, 4, 6, 8}) {
            if (value <= n * power) {
                return n * power;
            }
        }
        return 10 * power;
    }

    private double x(double size) {
        return LEFT + (WIDTH - LEFT - RIGHT) * size / largest;
    }

    private static double y(double value, double end) {
        return TOP + (HEIGHT - TOP - BOTTOM) * (end - value) / end;
    }

    private void axes(StringBuilder svg, String axis, double time, double memory) {
        for (int i = 0; i <= GAPS; i++) {
            double y = y(i, GAPS);
            svg.append(
                    String.format(Locale.ROOT, "<path class=\"grid\" d=\"M%d,%.1fH%d\"/>%n", LEFT, y, WIDTH - RIGHT));
            text(svg, LEFT - 8, y + 4, "end", label(time * i / GAPS));
            text(svg, WIDTH - RIGHT + 8, y + 4, "start", label(memory * i / GAPS));
        }
        double last = Double.NEGATIVE_INFINITY;
        for (Point p : points) {
            double x = x(p.size());
            if (x - last >= 10 + 8 * String.valueOf(p.size()).length()) { // labels do not touch
                text(svg, x, HEIGHT - BOTTOM + 18, "middle", String.valueOf(p.size()));
                last = x;
            }
        }
        text(svg, (WIDTH + LEFT - RIGHT) / 2.0, HEIGHT - 6, "middle", axis);
        svg.append(String.format(Locale.ROOT, "<path class=\"time\" d=\"M%d,14h24\"/>%n", LEFT));
        text(svg, LEFT + 30, 18, "start", "time of a step, ms");
        svg.append(String.format(Locale.ROOT, "<path class=\"memory\" d=\"M%d,14h-24\"/>%n", WIDTH - RIGHT));
        text(svg, WIDTH - RIGHT - 30, 18, "end", "peak memory, MiB");
    }

    private static String label(double value) {
        return value == Math.rint(value)
                ? String.format(Locale.ROOT, "%.0f", value)
                : String.valueOf(Figures.round(value, 3));
    }

    private static void text(StringBuilder svg, double x, double y, String anchor, String text) {
        svg.append(String.format(
                Locale.ROOT, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>%n", x, y, anchor, text));
    }

    private void line(StringBuilder svg, String style, List<Point> line, ToDoubleFunction<Point> value, double end) {
        svg.append("<path class=\"").append(style).append("\" d=\"");
        for (int i = 0; i < line.size(); i++) {
            Point p = line.get(i);
            svg.append(String.format(
                    Locale.ROOT, "%s%.1f,%.1f", i == 0 ? "M" : "L", x(p.size()), y(value.applyAsDouble(p), end)));
        }
        svg.append("\"/>\n");
    }

    private void dots(StringBuilder svg, String style, String unit, ToDoubleFunction<Point> value, double end) {
        for (Point p : points) {
            double v = value.applyAsDouble(p);
            svg.append(String.format(
                    Locale.ROOT,
                    "<circle class=\"%s-dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"><title>%d: %.0f %s</title></circle>%n",
                    style,
                    x(p.size()),
                    y(v, end),
                    p.size(),
                    v,
                    unit));
        }
    }
}
