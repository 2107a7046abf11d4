package dev.peft4j.core.train;

import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.data.Measure;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How far a run has come, and what early stopping remembers: all that goes on where a run goes on. */
final class Progress implements AutoCloseable {
    int step;
    long tokens;
    long nanos;
    int worse; // evaluations since the best one
    private @Nullable Evaluation base;
    private @Nullable Evaluation last;
    private int lastStep = -1;
    private @Nullable Evaluation best;
    private final List<Parameter> parameters;
    private final List<Tensor> bestValues = new ArrayList<>();

    /**
     * The start of a run.
     *
     * @param keepBest whether values of the parameters are kept
     */
    Progress(List<Parameter> parameters, boolean keepBest) {
        this.parameters = parameters;
        for (Parameter p : keepBest ? parameters : List.<Parameter>of()) {
            Tensor t = p.value();
            bestValues.add(Tensor.zeros(t.dtype(), t.rows(), t.cols()));
        }
    }

    @Nullable
    Evaluation base() {
        return base;
    }

    void setBase(Evaluation evaluation) {
        base = evaluation;
    }

    @Nullable
    Evaluation best() {
        return best;
    }

    /** The evaluation of the parameters as they are, if there is one. */
    @Nullable
    Evaluation now() {
        return lastStep == step ? last : null;
    }

    /** Takes an evaluation of the parameters as they are; tells whether it is the best. */
    boolean evaluated(Evaluation e) {
        last = e;
        lastStep = step;
        Evaluation before = best;
        if (before != null && before.loss() <= e.loss()) {
            worse++;
            return false;
        }
        best = e;
        worse = 0;
        for (int i = 0; i < bestValues.size(); i++) {
            bestValues.get(i).copyFrom(parameters.get(i).value());
        }
        return true;
    }

    /** Puts the best parameters back, if they are kept and better than those of an evaluation; tells whether it did. */
    boolean restoreBest(@Nullable Evaluation end) {
        Evaluation b = best;
        if (b == null || bestValues.isEmpty() || (end != null && end.loss() <= b.loss())) {
            return false;
        }
        for (int i = 0; i < bestValues.size(); i++) {
            parameters.get(i).value().copyFrom(bestValues.get(i));
        }
        return true;
    }

    /** The best values, in the order of the parameters; none if they are not kept. */
    List<Tensor> bestValues() {
        return bestValues;
    }

    String toJson() throws IOException {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("step", step);
        json.put("tokens", tokens);
        json.put("nanos", nanos);
        json.put("worse", worse);
        json.put("last_step", lastStep);
        put(json, "base", base);
        put(json, "last", last);
        put(json, "best", best);
        return Json.printLine(json);
    }

    private static void put(Map<String, Object> json, String name, @Nullable Evaluation e) {
        if (e != null) {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("loss", e.loss());
            fields.put("count", e.count());
            fields.put("measure", e.measure().name());
            fields.put("accuracy", Double.isNaN(e.accuracy()) ? null : e.accuracy());
            json.put(name, fields);
        }
    }

    /**
     * Takes over what was written.
     *
     * @throws BadInputException if something is missing or of a wrong kind
     */
    void read(String text) throws IOException {
        Map<String, Object> json = Json.parse(text);
        step = Math.toIntExact(number(json, "step").longValue());
        tokens = number(json, "tokens").longValue();
        nanos = number(json, "nanos").longValue();
        worse = number(json, "worse").intValue();
        lastStep = number(json, "last_step").intValue();
        base = evaluation(json, "base");
        last = evaluation(json, "last");
        best = evaluation(json, "best");
    }

    private static Number number(Map<?, ?> json, String name) {
        if (json.get(name) instanceof Number n) {
            return n;
        }
        throw new BadInputException(name + " is " + json.get(name) + " and should be a number");
    }

    private static @Nullable Evaluation evaluation(Map<String, Object> json, String name) {
        if (!(json.get(name) instanceof Map<?, ?> e)) {
            return null;
        }
        return new Evaluation(
                number(e, "loss").doubleValue(),
                number(e, "count").intValue(),
                Measure.valueOf(String.valueOf(e.get("measure"))),
                e.get("accuracy") instanceof Number a ? a.doubleValue() : Double.NaN);
    }

    @Override
    public void close() {
        bestValues.forEach(Tensor::close);
    }
}
