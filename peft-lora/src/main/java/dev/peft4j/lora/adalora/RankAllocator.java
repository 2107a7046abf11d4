package dev.peft4j.lora.adalora;

import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

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

    /** Running means of the importance of the elements of a parameter, and of its uncertainty. */
    private record Importance(Tensor mean, Tensor uncertainty) {
        double score(int row, int col) {
            return mean.get(row, col) * uncertainty.get(row, col);
        }
    }

    RankAllocator(RankSchedule schedule, Map<String, AdaLoraLayer> layers) {
        this.schedule = schedule;
        this.layers = layers;
    }

    /** Takes notice of the gradients of a step. */
    void observe() {
        for (AdaLoraLayer layer : layers.values()) {
            layer.parameters().forEach(this::observe);
        }
    }

    private void observe(Parameter p) {
        Importance s = importanceOf(p);
        double b1 = schedule.beta1();
        double b2 = schedule.beta2();
        for (int r = 0; r < p.value().rows(); r++) {
            for (int c = 0; c < p.value().cols(); c++) {
                double now = Math.abs(p.value().get(r, c) * p.grad().get(r, c));
                double mean = b1 * s.mean.get(r, c) + (1 - b1) * now;
                s.mean.set(r, c, mean);
                s.uncertainty.set(r, c, b2 * s.uncertainty.get(r, c) + (1 - b2) * Math.abs(now - mean));
            }
        }
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
    }

    /** Sets the elements of E to zero whose triplets are not within the budget. */
    void cut(int budget) {
        Map<String, double[]> scores = new LinkedHashMap<>();
        layers.forEach((name, layer) -> scores.put(name, scores(layer)));
        double[] all = scores.values().stream()
                .flatMapToDouble(Arrays::stream)
                .sorted()
                .toArray();
        int dropped = all.length - budget;
        double threshold = dropped < 1 ? Double.NEGATIVE_INFINITY : all[dropped - 1];
        scores.forEach((name, s) -> {
            Tensor mask = kept(name, s.length);
            for (int k = 0; k < s.length; k++) {
                mask.set(0, k, s[k] > threshold ? 1 : 0);
            }
        });
        apply();
    }

    /** Keeps what has an E now. */
    void keepNonZero() {
        layers.forEach((name, layer) -> {
            Tensor mask = kept(name, layer.rank());
            for (int k = 0; k < layer.rank(); k++) {
                mask.set(0, k, layer.e.value().get(0, k) != 0 ? 1 : 0);
            }
        });
    }

    /** Sets the elements of E to zero that are not kept. */
    void apply() {
        layers.forEach((name, layer) -> {
            Tensor mask = kept(name, layer.rank());
            for (int k = 0; k < layer.rank(); k++) {
                if (mask.get(0, k) == 0) {
                    layer.e.value().set(0, k, 0);
                }
            }
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
    private double[] scores(AdaLoraLayer layer) {
        int r = layer.rank();
        Importance a = importanceOf(layer.a);
        Importance b = importanceOf(layer.b);
        Importance e = importanceOf(layer.e);
        int in = layer.a.value().cols();
        int out = layer.b.value().rows();
        double[] scores = new double[r];
        for (int k = 0; k < r; k++) {
            double rows = 0;
            for (int i = 0; i < in; i++) {
                rows += a.score(k, i);
            }
            double columns = 0;
            for (int o = 0; o < out; o++) {
                columns += b.score(o, k);
            }
            scores[k] = e.score(0, k) + rows / in + columns / out;
        }
        return scores;
    }
}
