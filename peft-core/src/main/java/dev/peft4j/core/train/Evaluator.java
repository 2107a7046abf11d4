package dev.peft4j.core.train;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.TaskType;
import dev.peft4j.core.autograd.NonFiniteException;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.model.Loss;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.model.PackedBatch;
import dev.peft4j.core.model.ProblemType;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** Evaluates a model on labelled sequences. */
public final class Evaluator {
    private static final int BATCH_TOKENS = 2048;

    private Evaluator() {}

    /**
     * Evaluates a model with the adapters that are active.
     *
     * @throws IllegalArgumentException if no token or sequence is scored
     * @throws NonFiniteException if the loss is infinite or not a number
     */
    public static Evaluation evaluate(Model model, List<Adapter> adapters, List<PackedBatch.Sequence> records) {
        return Objects.requireNonNull(evaluate(model, adapters, records, () -> false));
    }

    /** The same; null if it was stopped meanwhile. */
    static @Nullable Evaluation evaluate(
            Model model, List<Adapter> adapters, List<PackedBatch.Sequence> records, BooleanSupplier isStopped) {
        Loss total = new Loss(0, 0);
        long right = 0;
        long judged = 0;
        Evaluation.Measure measure = measure(model);
        try (Arena arena = new Arena(model.backend().dtype())) {
            int from = 0;
            while (from < records.size()) {
                if (isStopped.getAsBoolean()) {
                    return null;
                }
                int to = end(records, from);
                PackedBatch batch = PackedBatch.of(records.subList(from, to));
                try (Pass pass = Pass.inference(model.backend(), arena)) {
                    total = total.plus(model.loss(Call.of(pass, adapters), batch, 1));
                }
                if (measure == Evaluation.Measure.ACCURACY) {
                    try (Pass pass = Pass.inference(model.backend(), arena)) {
                        Tensor logits =
                                model.logits(Call.of(pass, adapters), batch).value();
                        boolean single = model.problemType() == ProblemType.SINGLE_LABEL_CLASSIFICATION;
                        right += single
                                ? countRight(logits, batch.classLabels())
                                : countRight(logits, batch.values(logits.cols()));
                        judged += single ? model.scored(batch, adapters) : logits.size();
                    }
                }
                from = to;
            }
        }
        if (total.count() == 0) {
            throw new IllegalArgumentException("records were to be evaluated, and no token of the " + records.size()
                    + " given ones is scored. Give records with text behind the prompt.");
        }
        if (!Double.isFinite(total.mean())) {
            throw new NonFiniteException("the loss on the held-out records");
        }
        return new Evaluation(total.mean(), total.count(), measure, judged == 0 ? Double.NaN : (double) right / judged);
    }

    private static Evaluation.Measure measure(Model model) {
        if (model.taskType() != TaskType.SEQ_CLS) {
            return Evaluation.Measure.PERPLEXITY;
        }
        return model.problemType() == ProblemType.REGRESSION
                ? Evaluation.Measure.ROOT_MEAN_SQUARED_ERROR
                : Evaluation.Measure.ACCURACY;
    }

    private static int end(List<PackedBatch.Sequence> records, int from) {
        int to = from;
        int tokens = 0;
        while (to < records.size() && (to == from || tokens + records.get(to).length() <= BATCH_TOKENS)) {
            tokens += records.get(to++).length();
        }
        return to;
    }

    private static int countRight(Tensor logits, int[] labels) {
        int right = 0;
        for (int r = 0; r < labels.length; r++) {
            int best = 0;
            for (int c = 1; c < logits.cols(); c++) {
                best = logits.get(r, c) > logits.get(r, best) ? c : best;
            }
            right += best == labels[r] ? 1 : 0;
        }
        return right;
    }

    /** Labels whose probability is on the right side of a half. */
    private static int countRight(Tensor logits, float[] values) {
        int right = 0;
        for (int i = 0; i < values.length; i++) {
            boolean there = logits.get(i / logits.cols(), i % logits.cols()) > 0;
            right += there == values[i] > 0.5f ? 1 : 0;
        }
        return right;
    }
}
