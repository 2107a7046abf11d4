package dev.peft4j.lora.adalora;

import dev.peft4j.core.autograd.Parameter;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Which ranks are kept: those whose triplet of a column of B, an element of E and a row of A matters most.
 *
 * <p>Zhang et al. 2023, <a href="https://arxiv.org/abs/2303.10512">paper</a>, equations 8 to 11: importance {@code I = |p · dp|}, its running mean, the running mean of its
 * distance from that, and their product as the score of an element.
 */
final class RankAllocator {
    private final RankSchedule schedule;
    private final Map<String, AdaLoraLayer> layers;
    private final Map<Parameter, Importance> importance = new HashMap<>();

    /** Running means of the importance of the elements of a parameter, and of its uncertainty. */
    private record Importance(double[] mean, double[] uncertainty) {
        double score(int i) {
            return mean[i] * uncertainty[i];
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
        int n = Math.toIntExact(p.size());
        Importance s = importance.computeIfAbsent(p, key -> new Importance(new double[n], new double[n]));
        float[] value = p.value().toFloats();
        float[] grad = p.grad().toFloats();
        double b1 = schedule.beta1();
        double b2 = schedule.beta2();
        for (int i = 0; i < n; i++) {
            double now = Math.abs((double) value[i] * grad[i]);
            s.mean[i] = b1 * s.mean[i] + (1 - b1) * now;
            s.uncertainty[i] = b2 * s.uncertainty[i] + (1 - b2) * Math.abs(now - s.mean[i]);
        }
    }

    /**
     * Sets the elements of E to zero whose triplets are not within the budget.
     *
     * @return which ranks each layer keeps
     */
    Map<String, List<Boolean>> cut(int budget) {
        Map<String, double[]> scores = new LinkedHashMap<>();
        layers.forEach((name, layer) -> scores.put(name, scores(layer)));
        double[] all = scores.values().stream()
                .flatMapToDouble(Arrays::stream)
                .sorted()
                .toArray();
        int dropped = all.length - budget;
        double threshold = dropped < 1 ? Double.NEGATIVE_INFINITY : all[dropped - 1];
        Map<String, List<Boolean>> kept = new LinkedHashMap<>();
        scores.forEach((name, s) ->
                kept.put(name, Arrays.stream(s).mapToObj(v -> v > threshold).toList()));
        apply(kept);
        return kept;
    }

    /** Sets the elements of E to zero that are not kept. */
    void apply(Map<String, List<Boolean>> kept) {
        kept.forEach((name, mask) -> {
            AdaLoraLayer layer = layers.get(name);
            for (int k = 0; layer != null && k < mask.size(); k++) {
                if (!mask.get(k)) {
                    layer.e.value().set(0, k, 0);
                }
            }
        });
    }

    /** Score of E, and the means of the scores of the row of A and the column of B (equation 7). */
    private double[] scores(AdaLoraLayer layer) {
        int r = layer.rank();
        Importance a = require(layer.a);
        Importance b = require(layer.b);
        Importance e = require(layer.e);
        int in = layer.a.value().cols();
        int out = layer.b.value().rows();
        double[] scores = new double[r];
        for (int k = 0; k < r; k++) {
            double rows = 0;
            for (int i = 0; i < in; i++) {
                rows += a.score(k * in + i);
            }
            double columns = 0;
            for (int o = 0; o < out; o++) {
                columns += b.score(o * r + k);
            }
            scores[k] = e.score(k) + rows / in + columns / out;
        }
        return scores;
    }

    private Importance require(Parameter p) {
        Importance s = importance.get(p);
        if (s == null) {
            throw new IllegalStateException("ranks were to be cut before a step was observed at " + p);
        }
        return s;
    }
}
