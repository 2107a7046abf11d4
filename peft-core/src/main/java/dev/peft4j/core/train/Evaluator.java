package dev.peft4j.core.train;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.Measure;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.NonFiniteException;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.core.model.Loss;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** Evaluates a model on examples with targets. */
public final class Evaluator {
    private static final int BATCH_TOKENS = 2048;
    private static final int BATCH_IMAGES = 64; // of 224 x 224 pixels they have 38 MB, and each layer about as much

    private Evaluator() {}

    /**
     * Evaluates a model with the adapters that are active. Pairs are compared in groups of at most 64, which follow from their number and order alone.
     *
     * @throws BadInputException if no token or sequence is scored, or there is one pair only
     * @throws NonFiniteException if the loss is infinite or not a number
     */
    public static Evaluation evaluate(Model model, List<Adapter> adapters, List<? extends Example> records) {
        return evaluate(model, adapters, HeadObjective.DEFAULT, records);
    }

    /**
     * Evaluates a model by the objective of a training. Where it asks the base, that is the model without adapters.
     *
     * @throws BadInputException if nothing is scored, or the targets are of a kind that the objective has no use for
     * @throws NonFiniteException if the loss is infinite or not a number
     */
    public static Evaluation evaluate(
            Model model, List<Adapter> adapters, Objective objective, List<? extends Example> records) {
        return Objects.requireNonNull(evaluate(model, adapters, List.of(), objective, records, () -> {
            StoppedException.ifInterrupted(() -> records.size() + " records were to be evaluated");
            return false;
        }));
    }

    /** The same; null if it was stopped meanwhile. */
    static @Nullable Evaluation evaluate(
            Model model,
            List<Adapter> adapters,
            List<Adapter> reference,
            Objective objective,
            List<? extends Example> given,
            BooleanSupplier isStopped) {
        List<Example> records = List.copyOf(given);
        if (objective instanceof HeadObjective && PairEvaluator.areCompared(model, records)) {
            return PairEvaluator.evaluate(model, adapters, records, isStopped);
        }
        Loss total = new Loss(0, 0);
        long[] counts = {0, 0}; // right, and judged
        try (Arena arena = new Arena(model.backend().dtype())) {
            int from = 0;
            while (from < records.size()) {
                if (isStopped.getAsBoolean()) {
                    return null;
                }
                int to = end(records, from, objective.leastBatch());
                Batch batch = Batch.of(records.subList(from, to));
                Objective.Prepared prepared = objective.prepare(model, batch, adapters, reference, arena);
                try (Pass pass = Pass.inference(model.backend(), arena)) {
                    Objective.Judged judged = prepared.judge(Call.of(pass, adapters));
                    total = total.plus(judged.loss());
                    counts[0] += judged.right();
                    counts[1] += judged.judged();
                }
                from = to;
            }
        }
        if (total.count() == 0) {
            throw new BadInputException("records were to be evaluated, and no token of the " + records.size()
                    + " given ones is scored. Give records with text behind the prompt.");
        }
        return evaluation(total, counts[0], counts[1], objective.measure(model));
    }

    /** What sums come to. */
    static Evaluation evaluation(Loss total, long right, long judged, Measure measure) {
        if (!Double.isFinite(total.mean())) {
            throw new NonFiniteException("the loss on the held-out records");
        }
        double accuracy = judged == 0 ? Double.NaN : (double) right / judged;
        return new Evaluation(total.mean(), total.count(), measure, accuracy);
    }

    static int end(List<? extends Example> records, int from, int least) {
        return Batch.end(records, from, least, BATCH_TOKENS, BATCH_IMAGES);
    }
}
