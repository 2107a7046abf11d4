package dev.peft4j.lora.adalora;

import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Kernels;
import dev.peft4j.core.tensor.Tensor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which ranks are kept: those whose triplet of a column of B, an element of E and a row of A matters most.
 *
 * <p>Zhang et al. 2023, <a href="https://arxiv.org/abs/2303.10512">paper</a>, equations 8 to 11: importance {@code I = |p · dp|}, its running mean, the running mean of its
 * distance from that, and their product as the score of an element.
 */
final class RankAllocator implements AutoCloseable {
    private final RankSchedule schedule;
    private final Map<String, AdaLoraLayer> layers;
    private final Map<Parameter, Importance> importance = new HashMap<>();
    private final Map<String, Tensor> kept = new HashMap<>();
    private @Nullable Tensor working; // as large as the largest parameter

    /** Running means of the importance of the elements of a parameter, and of its uncertainty. */
    private record Importance(Tensor mean, Tensor uncertainty) {}

    RankAllocator(RankSchedule schedule, Map<String, AdaLoraLayer> layers) {
        this.schedule = schedule;
        this.layers = layers;
    }

    /** Takes notice of the gradients of a step. */
    void observe(Backend backend) {
        for (AdaLoraLayer layer : layers.values()) {
            layer.parameters().forEach(p -> observe(backend.kernels(), p));
        }
    }

    private void observe(Kernels kernels, Parameter p) {
        Importance s = importanceOf(p);
        Tensor value = p.value();
        Tensor now = working(value.dtype(), value.rows(), value.cols());
        kernels.multiply(value, p.grad(), now);
        kernels.abs(now, now); // I = |p · dp|
        kernels.scale(schedule.beta1(), s.mean);
        kernels.addScaled(1 - schedule.beta1(), now, s.mean);
        kernels.addScaled(-1, s.mean, now);
        kernels.abs(now, now); // |I - mean|
        kernels.scale(schedule.beta2(), s.uncertainty);
        kernels.addScaled(1 - schedule.beta2(), now, s.uncertainty);
    }

    /** Working memory, the same for each call. */
    private Tensor working(DType dtype, int rows, int cols) {
        Tensor t = working;
        if (t == null) {
            long most = layers.values().stream()
                    .mapToLong(layer -> Math.max(2L * layer.rank(), Math.max(layer.a.size(), layer.b.size())))
                    .max()
                    .orElse(0);
            t = Tensor.allocate(dtype, 1, Math.toIntExact(most));
            working = t;
        }
        return t.columns(0, rows * cols).reshape(rows, cols);
    }

    private Importance importanceOf(Parameter p) {
        Tensor v = p.value();
        return importance.computeIfAbsent(
                p,
                key -> new Importance(
                        Tensor.zeros(v.dtype(), v.rows(), v.cols()), Tensor.zeros(v.dtype(), v.rows(), v.cols())));
    }

    /** The running means and the ranks that are kept, by names. */
    Map<String, Tensor> state() {
        Map<String, Tensor> state = new LinkedHashMap<>();
        layers.forEach((name, layer) -> state.put("kept." + name, kept(name, layer.rank())));
        for (AdaLoraLayer layer : layers.values()) {
            for (Parameter p : layer.parameters()) {
                state.put("importance." + p.name(), importanceOf(p).mean);
                state.put("uncertainty." + p.name(), importanceOf(p).uncertainty);
            }
        }
        return state;
    }

    @Override
    public void close() {
        importance.values().forEach(i -> {
            i.mean.close();
            i.uncertainty.close();
        });
        importance.clear();
        kept.values().forEach(Tensor::close);
        kept.clear();
        if (working != null) {
            working.close();
            working = null;
        }
    }

    /** Sets the elements of E to zero whose triplets are not within the budget. */
    void cut(Backend backend, int budget) {
        Map<String, double[]> scores = new LinkedHashMap<>();
        layers.forEach((name, layer) -> scores.put(name, scores(backend, layer)));
        double[] all = scores.values().stream()
                .flatMapToDouble(Arrays::stream)
                .sorted()
                .toArray();
        int dropped = all.length - budget;
        double threshold = dropped < 1 ? Double.NEGATIVE_INFINITY : all[dropped - 1];
        scores.forEach((name, s) -> {
            double[] mask =
                    Arrays.stream(s).map(score -> score > threshold ? 1 : 0).toArray();
            kept(name, s.length).set(mask);
        });
        apply();
    }

    /** Keeps what has an E now. */
    void keepNonZero() {
        layers.forEach((name, layer) -> {
            double[] e = layer.e.value().toDoubles();
            kept(name, layer.rank())
                    .set(Arrays.stream(e).map(value -> value != 0 ? 1 : 0).toArray());
        });
    }

    /** Sets the elements of E to zero that are not kept. */
    void apply() {
        layers.forEach((name, layer) -> {
            double[] mask = kept(name, layer.rank()).toDoubles();
            double[] e = layer.e.value().toDoubles();
            for (int k = 0; k < e.length; k++) {
                e[k] = mask[k] == 0 ? 0 : e[k];
            }
            layer.e.value().set(e);
        });
    }

    /** 1 for each rank of a layer that is kept, else 0; all are kept at the start. */
    private Tensor kept(String name, int ranks) {
        return kept.computeIfAbsent(name, key -> {
            Tensor mask = Tensor.allocate(DType.F32, 1, ranks);
            mask.fill(1);
            return mask;
        });
    }

    /** Score of E, and the means of the scores of the row of A and the column of B (equation 7). */
    private double[] scores(Backend backend, AdaLoraLayer layer) {
        int r = layer.rank();
        Importance a = importanceOf(layer.a);
        Importance b = importanceOf(layer.b);
        Importance e = importanceOf(layer.e);
        Kernels kernels = backend.kernels();
        Tensor both = working(backend.dtype(), 2, r);
        Tensor scores = both.rows(0, 1);
        Tensor share = both.rows(1, 1);
        kernels.multiply(e.mean, e.uncertainty, scores);
        kernels.addRowDots(1.0 / layer.a.value().cols(), a.mean, a.uncertainty, scores);
        kernels.fill(1.0 / layer.b.value().rows(), share);
        kernels.addColumnDots(b.mean, b.uncertainty, share, scores);
        return scores.toDoubles();
    }
}
