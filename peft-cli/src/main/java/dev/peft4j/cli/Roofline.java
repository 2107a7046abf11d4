package dev.peft4j.cli;

import java.io.PrintWriter;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The table of where the time of a step goes, beside what the cores could do in it.
 *
 * @param steps over which was measured
 * @param seconds of all these steps
 */
record Roofline(CoreSpeed speed, int steps, double seconds) {
    private static final String ROW = "%-34s %9s %6s %8s %13s %13s %6s%n";

    /** Prints kinds of work, then single operations; the slowest first. */
    void print(
            PrintWriter out, Map<String, BackendTimer.Spent> kinds, Map<String, BackendTimer.Spent> singleOperations) {
        out.printf(
                Locale.ROOT,
                "The cores give %.0f GFLOP/s in large products and %.1f GB/s in a copy; a step:%n%n",
                speed.operations() / 1e9,
                speed.bytes() / 1e9);
        out.printf(Locale.ROOT, ROW, "kind of work", "ms", "share", "calls", "work", "speed", "cores");
        double known = 0;
        for (Map.Entry<String, BackendTimer.Spent> e : slowestFirst(kinds)) {
            row(out, e.getKey(), e.getValue());
            known += e.getValue().nanoseconds / 1e9;
        }
        row(out, "everything else (tape, Java)", seconds - known);
        row(out, "step", seconds);
        out.printf(
                Locale.ROOT,
                "%nshare: of the step. cores: what the work would take at full speed, of what it took; over 100 %% where%n"
                        + "caches hold the data. N and T tell which operands of a product are transposed.%n%n");
        out.printf(Locale.ROOT, ROW, "operation", "ms", "share", "calls", "work", "speed", "cores");
        slowestFirst(singleOperations).forEach(e -> row(out, e.getKey(), e.getValue()));
        out.flush();
    }

    private static List<Map.Entry<String, BackendTimer.Spent>> slowestFirst(Map<String, BackendTimer.Spent> all) {
        Comparator<Map.Entry<String, BackendTimer.Spent>> byTime =
                Comparator.comparingLong(e -> e.getValue().nanoseconds);
        return all.entrySet().stream().sorted(byTime.reversed()).toList();
    }

    private void row(PrintWriter out, String name, BackendTimer.Spent spent) {
        double taken = spent.nanoseconds / 1e9;
        boolean isArithmetic = speed.isBoundByOperations(spent.operations, spent.bytes);
        double work = (isArithmetic ? spent.operations : spent.bytes) / 1e9;
        String unit = isArithmetic ? "GFLOP" : "GB";
        boolean isKnown = work > 0 && taken > 0;
        out.printf(
                Locale.ROOT,
                ROW,
                name,
                number("%.1f", 1000 * taken / steps),
                number("%.1f %%", 100 * taken / seconds),
                number("%.1f", (double) spent.calls / steps),
                isKnown ? number("%.2f ", work / steps) + unit : "-",
                isKnown ? number("%.1f ", work / taken) + unit + "/s" : "-",
                isKnown ? percent(speed.seconds(spent.operations, spent.bytes) / taken) : "-");
    }

    private void row(PrintWriter out, String name, double taken) {
        out.printf(
                Locale.ROOT,
                ROW,
                name,
                number("%.1f", 1000 * taken / steps),
                number("%.1f %%", 100 * taken / seconds),
                "",
                "-",
                "-",
                "-");
    }

    private static String number(String format, double value) {
        return String.format(Locale.ROOT, format, value);
    }

    private static String percent(double value) {
        return String.format(Locale.ROOT, "%.0f %%", 100 * value);
    }
}
