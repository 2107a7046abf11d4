package dev.peft4j.models;

import dev.peft4j.core.data.ProblemType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What a config says of the outputs of a classifier.
 *
 * @param config with {@code id2label} and {@code num_labels}, as transformers writes them, or with a list of {@code labels} and {@code num_classes}, as others do
 */
record OutputFields(ModelConfig config) {
    static final String PROBLEM = "problem_type";

    private static final String COUNT = "num_labels";
    private static final int USUAL = 2;

    /** Names in their order; none if there are only numbered ones. */
    List<String> labels() throws IOException {
        if (config.fields().get("labels") instanceof List<?> listed
                && listed.stream().allMatch(String.class::isInstance)) {
            return listed.stream().map(String::valueOf).toList();
        }
        if (!(config.fields().get("id2label") instanceof Map<?, ?> byNumber)) {
            return List.of();
        }
        List<String> names = new ArrayList<>();
        for (int i = 0; i < byNumber.size(); i++) {
            if (!(byNumber.get(String.valueOf(i)) instanceof String name) || name.equals("LABEL_" + i)) {
                return List.of();
            }
            names.add(name);
        }
        return names;
    }

    /** How many there are. */
    int count() throws IOException {
        if (config.fields().get("id2label") instanceof Map<?, ?> byNumber && !byNumber.isEmpty()) {
            return agreed(COUNT, "id2label", byNumber.size());
        }
        if (config.fields().get("labels") instanceof List<?> listed && !listed.isEmpty()) {
            return agreed("num_classes", "labels", listed.size());
        }
        return config.size(List.of(COUNT, "num_classes"), USUAL);
    }

    private int agreed(String count, String names, int named) throws IOException {
        if (config.size(count, named) != named) {
            throw config.bad("\"" + count + "\" is " + config.size(count) + ", and \"" + names + "\" has " + named
                    + " labels. Correct config.json.");
        }
        return named;
    }

    /** What so many outputs are, by the rules of transformers. */
    ProblemType problemType(int outputs) throws IOException {
        String name = config.text(PROBLEM, outputs == 1 ? "regression" : "single_label_classification");
        return switch (name) {
            case "regression" -> ProblemType.REGRESSION;
            case "multi_label_classification" -> ProblemType.MULTI_LABEL_CLASSIFICATION;
            case "single_label_classification" -> {
                if (outputs == 1) {
                    throw config.bad("\"problem_type\" is single_label_classification with one label, which leaves"
                            + " nothing to choose. Use two labels, or the problem type regression.");
                }
                yield ProblemType.SINGLE_LABEL_CLASSIFICATION;
            }
            default ->
                throw config.bad("\"problem_type\" is " + name
                        + "; there are regression, single_label_classification and multi_label_classification."
                        + " Correct config.json.");
        };
    }
}
