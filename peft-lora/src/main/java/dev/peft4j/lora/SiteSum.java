package dev.peft4j.lora;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.EmbeddingSite;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.Site;
import dev.peft4j.core.tensor.Decompositions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The weighted sum of the updates of one layer as {@code diag(m / ‖W + B A‖) (W + B A) - W} or, without lengths m, as {@code B A}.
 *
 * @param b (O, R)
 * @param a (R, I)
 * @param rank R
 * @param lengths m (O) of DoRA, or null
 * @param bias (O), or null
 * @param squaredError of the sum, element by element
 * @param squaredSize of the exact sum
 */
record SiteSum(
        double[] b,
        double[] a,
        int rank,
        double @Nullable [] lengths,
        double @Nullable [] bias,
        double squaredError,
        double squaredSize) {
    private static final double SMALLEST_GAIN = 1e-6;

    static SiteSum of(
            ModelSites model, Site site, List<LoraAdapter> adapters, double[] weights, Combination combination) {
        int out = site instanceof LinearSite l ? l.out() : ((EmbeddingSite) site).width();
        int in = site instanceof LinearSite l ? l.in() : ((EmbeddingSite) site).entries();
        double[] weight = weight(model, site);
        List<Factors> factors = new ArrayList<>();
        List<Double> used = new ArrayList<>();
        for (int i = 0; i < weights.length; i++) {
            Factors f = adapters.get(i).factors(site);
            if (f != null) {
                factors.add(f);
                used.add(weights[i]);
            }
        }
        double[] w = used.stream().mapToDouble(Double::doubleValue).toArray();
        double[] exact = new double[out * in];
        for (int i = 0; i < w.length; i++) {
            double[] d = factors.get(i).delta(weight, out, in);
            for (int j = 0; j < exact.length; j++) {
                exact[j] += w[i] * d[j];
            }
        }
        if (!combination.type().isExact() && !combination.type().decomposes()) {
            requireLike(site, factors, combination);
        }
        Sum sum =
                switch (combination.type()) {
                    case CAT -> cat(site, factors, w, weight, out, in);
                    case SVD -> decompose(exact.clone(), factors, combination, out, in);
                    case TIES_SVD, DARE_LINEAR_SVD, DARE_TIES_SVD, MAGNITUDE_PRUNE_SVD -> {
                        List<double[]> deltas = factors.stream()
                                .map(f -> f.delta(weight, out, in))
                                .toList();
                        yield decompose(Pruning.merge(deltas, w, combination, site), factors, combination, out, in);
                    }
                    default -> byFactor(site, factors, w, combination);
                };
        double[] result = new Factors(sum.b, sum.a, sum.r, 1, gains(sum, weight, out, in), null).delta(weight, out, in);
        double error = 0;
        double size = 0;
        for (int j = 0; j < exact.length; j++) {
            error += (result[j] - exact[j]) * (result[j] - exact[j]);
            size += exact[j] * exact[j];
        }
        return new SiteSum(sum.b, sum.a, sum.r, sum.lengths, bias(factors, w, out), error, size);
    }

    /** What a rule makes of the factors. */
    private record Sum(double[] b, double[] a, int r, double @Nullable [] lengths) {}

    /** (O, I), for an embedding its transpose. */
    private static double[] weight(ModelSites model, Site site) {
        if (site instanceof LinearSite l) {
            return model.weight(model.weightName(l)).toDoubles();
        }
        EmbeddingSite e = (EmbeddingSite) site;
        double[] table = model.weight(site.name() + ".weight").toDoubles();
        double[] turned = new double[table.length];
        for (int v = 0; v < e.entries(); v++) {
            for (int c = 0; c < e.width(); c++) {
                turned[c * e.entries() + v] = table[v * e.width() + c];
            }
        }
        return turned;
    }

    private static void requireLike(Site site, List<Factors> factors, Combination combination) {
        int[] ranks = factors.stream().mapToInt(Factors::r).distinct().toArray();
        if (ranks.length > 1) {
            throw new BadInputException(combination.type() + " adds the factors of adapters of one rank; at "
                    + site.name() + " they have the ranks " + Arrays.toString(ranks) + ". Use CAT or SVD.");
        }
        if (factors.stream().anyMatch(f -> f.gains() != null)) {
            throw new BadInputException(combination.type()
                    + " adds the factors A and B; at " + site.name()
                    + " DoRA has lengths too, which it would lose. Use CAT or SVD.");
        }
    }

    private static double @Nullable [] bias(List<Factors> factors, double[] w, int out) {
        double[] sum = new double[out];
        boolean any = false;
        for (int i = 0; i < w.length; i++) {
            double[] c = factors.get(i).bias();
            for (int o = 0; c != null && o < out; o++) {
                sum[o] += w[i] * factors.get(i).scaling() * c[o];
            }
            any |= c != null;
        }
        return any ? sum : null;
    }

    /**
     * The exact sum. With the gains g of DoRA it is {@code D W + Σ wᵢ sᵢ diag(gᵢ) Bᵢ Aᵢ} with {@code D = Σ wᵢ (gᵢ - 1)}, which is DoRA again: gain
     * {@code G = 1 + D}, {@code B = [wᵢ sᵢ gᵢ / G · Bᵢ]}, {@code m = G ‖W + B A‖}.
     */
    private static Sum cat(Site site, List<Factors> factors, double[] w, double[] weight, int out, int in) {
        int r = factors.stream().mapToInt(Factors::r).sum();
        boolean dora = factors.stream().anyMatch(f -> f.gains() != null);
        double[] gain = new double[out];
        Arrays.fill(gain, 1);
        for (int i = 0; i < w.length; i++) {
            for (int o = 0; o < out; o++) {
                gain[o] += w[i] * (factors.get(i).gain(o) - 1);
            }
        }
        double[] b = new double[out * r];
        double[] a = new double[r * in];
        int at = 0;
        for (int i = 0; i < w.length; i++) {
            Factors f = factors.get(i);
            System.arraycopy(f.a(), 0, a, at * in, f.r() * in);
            for (int o = 0; o < out; o++) {
                if (Math.abs(gain[o]) < SMALLEST_GAIN) {
                    throw new BadInputException("the weights make the row " + o + " of " + site.name()
                            + " vanish, which DoRA cannot express. Use SVD or other weights.");
                }
                for (int k = 0; k < f.r(); k++) {
                    b[o * r + at + k] = w[i] * f.scaling() * f.gain(o) / gain[o] * f.b()[o * f.r() + k];
                }
            }
            at += f.r();
        }
        if (!dora) {
            return new Sum(b, a, r, null);
        }
        double[] norms = norms(b, a, r, weight, out, in);
        double[] lengths = new double[out];
        Arrays.setAll(lengths, o -> gain[o] * norms[o]);
        return new Sum(b, a, r, lengths);
    }

    private static double[] norms(double[] b, double[] a, int r, double[] weight, int out, int in) {
        double[] d = new Factors(b, a, r, 1, null, null).delta(weight, out, in);
        double[] norms = new double[out];
        for (int o = 0; o < out; o++) {
            double sum = 0;
            for (int i = 0; i < in; i++) {
                double v = weight[o * in + i] + d[o * in + i];
                sum += v * v;
            }
            norms[o] = Math.sqrt(sum);
        }
        return norms;
    }

    private static double @Nullable [] gains(Sum sum, double[] weight, int out, int in) {
        double[] lengths = sum.lengths;
        if (lengths == null) {
            return null;
        }
        double[] norms = norms(sum.b, sum.a, sum.r, weight, out, in);
        double[] gains = new double[out];
        Arrays.setAll(gains, o -> lengths[o] / norms[o]);
        return gains;
    }

    /** {@code B = U S}, {@code A = Vᵀ} of the largest singular values. */
    private static Sum decompose(double[] delta, List<Factors> factors, Combination combination, int out, int in) {
        int wanted = combination.rank() > 0
                ? combination.rank()
                : factors.stream().mapToInt(Factors::r).max().orElse(1);
        int r = Math.min(wanted, Math.min(out, in));
        Decompositions.Svd svd = Decompositions.svd(delta, out, in);
        double[] b = new double[out * r];
        double[] a = new double[r * in];
        for (int k = 0; k < r; k++) {
            for (int o = 0; o < out; o++) {
                b[o * r + k] = svd.u(o, k) * svd.s()[k];
            }
            for (int i = 0; i < in; i++) {
                a[k * in + i] = svd.vt(k, i);
            }
        }
        return new Sum(b, a, r, null);
    }

    /** A rule applied to the A and to the B, with {@code ±√|w s|} as weights; the sign is in A. */
    private static Sum byFactor(Site site, List<Factors> factors, double[] w, Combination combination) {
        double[] weightsA = new double[w.length];
        double[] weightsB = new double[w.length];
        for (int i = 0; i < w.length; i++) {
            double v = w[i] * factors.get(i).scaling();
            weightsB[i] = Math.sqrt(Math.abs(v));
            weightsA[i] = v >= 0 ? weightsB[i] : -weightsB[i];
        }
        double[] a = Pruning.merge(factors.stream().map(Factors::a).toList(), weightsA, combination, site);
        double[] b = Pruning.merge(factors.stream().map(Factors::b).toList(), weightsB, combination, site);
        return new Sum(b, a, factors.get(0).r(), null);
    }

    /** Puts the sum into an adapter. */
    void store(LoraAdapter adapter, Site site) {
        adapter.store(site, a, b, lengths, bias);
    }
}
