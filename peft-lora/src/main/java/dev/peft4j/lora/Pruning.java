package dev.peft4j.lora;

import dev.peft4j.core.site.Site;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Weighted sums of tensors of which elements are left out: by size, by chance (DARE: Yu et al. 2024, <a
 * href="https://arxiv.org/abs/2311.03099">paper</a>, section 3), or where signs disagree (TIES: Yadav et al. 2023, <a
 * href="https://arxiv.org/abs/2306.01708">paper</a>, section 3).
 */
final class Pruning {
    private Pruning() {}

    static double[] merge(List<double[]> tensors, double[] weights, Combination c, Site site) {
        Combination.Type type = c.type();
        SplittableRandom random = new SplittableRandom(c.seed() ^ site.name().hashCode());
        List<double[]> kept = tensors.stream()
                .map(t -> type.drops() ? dropped(t, c.density(), random) : type.prunes() ? largest(t, c.density()) : t)
                .toList();
        return type.ties() ? ties(kept, weights, c.majority()) : sum(kept, weights);
    }

    private static double[] sum(List<double[]> tensors, double[] weights) {
        double[] out = new double[tensors.get(0).length];
        for (int t = 0; t < weights.length; t++) {
            for (int i = 0; i < out.length; i++) {
                out[i] += weights[t] * tensors.get(t)[i];
            }
        }
        return out;
    }

    /** The {@code density · n} elements of largest size; the others become 0. */
    private static double[] largest(double[] t, double density) {
        double[] out = new double[t.length];
        IntStream.range(0, t.length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> Math.abs(t[i]))
                        .reversed())
                .limit((long) (density * t.length))
                .forEach(i -> out[i] = t[i]);
        return out;
    }

    /** Each element stays with probability {@code density}, divided by it. */
    private static double[] dropped(double[] t, double density, SplittableRandom random) {
        return density >= 1
                ? t
                : Arrays.stream(t)
                        .map(v -> random.nextDouble() < density ? v / density : 0)
                        .toArray();
    }

    /** Of each element, the mean of those weighted values whose own sign is that of the majority. */
    private static double[] ties(List<double[]> tensors, double[] weights, Combination.Majority majority) {
        double[] out = new double[tensors.get(0).length];
        for (int i = 0; i < out.length; i++) {
            double vote = 0;
            for (double[] t : tensors) {
                vote += majority == Combination.Majority.TOTAL ? t[i] : Math.signum(t[i]);
            }
            double sign = vote >= 0 ? 1 : -1;
            double sum = 0;
            int count = 0;
            for (int t = 0; t < weights.length; t++) {
                double v = tensors.get(t)[i];
                if (Math.signum(v) == sign) {
                    sum += weights[t] * v;
                    count++;
                }
            }
            out[i] = sum / Math.max(1, count);
        }
        return out;
    }
}
