package dev.peft4j;

import dev.peft4j.core.data.ProblemType;
import dev.peft4j.models.data.Labels;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What a classifier says of a text or an image.
 *
 * @param label the most probable one
 * @param probability of it, from 0 to 1
 * @param scores probabilities of all labels, in the order of the outputs. They sum to 1 where it has one of several classes; where it may have several labels,
 *     each is the probability that this one is there
 */
public record Prediction(String label, double probability, Map<String, Double> scores) {
    /** Copies the scores in their order. */
    public Prediction {
        scores = Collections.unmodifiableMap(new LinkedHashMap<>(scores));
    }

    /** The prediction of the outputs of a model that classifies. */
    static Prediction of(Labels labels, double[] logits) {
        double[] probabilities = labels.problem() == ProblemType.SINGLE_LABEL_CLASSIFICATION
                ? Probabilities.softmax(logits)
                : Probabilities.sigmoid(logits);
        Map<String, Double> scores = new LinkedHashMap<>();
        for (int i = 0; i < probabilities.length; i++) {
            scores.put(labels.name(i), probabilities[i]);
        }
        return of(scores);
    }

    /** The prediction of some scores. */
    static Prediction of(Map<String, Double> scores) {
        Map.Entry<String, Double> best =
                Collections.max(scores.entrySet(), Map.Entry.comparingByValue()); // the first of equal ones
        return new Prediction(best.getKey(), best.getValue(), scores);
    }

    /** The labels that are at least so probable: with 0.5, those that a classifier of several labels says are there. */
    public List<String> labels(double atLeast) {
        return scores.entrySet().stream()
                .filter(s -> s.getValue() >= atLeast)
                .map(Map.Entry::getKey)
                .toList();
    }

    @Override
    public String toString() {
        return scores.entrySet().stream()
                .map(s -> String.format(Locale.ROOT, "%s %.4f", s.getKey(), s.getValue()))
                .collect(Collectors.joining(", ", label + " (", ")"));
    }
}
