package dev.peft4j.core.train;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.layer.Head;
import dev.peft4j.core.model.Loss;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Evaluates pairs, each of which is compared with the others of its group. Groups have as equal sizes as can be, at most 64 pairs, in the order of the records, so
 * that neither batches of training nor the lengths of texts change the result; memory is that of passes of a few sequences, whose vectors are kept until their
 * group is compared.
 */
final class PairEvaluator {
    private static final int MOST = 64; // pairs of a group

    private PairEvaluator() {}

    /** Whether examples are pairs, for a head that gives vectors. */
    static boolean areCompared(Model model, List<? extends Example> records) {
        return model.taskType() == TaskType.FEATURE_EXTRACTION
                && !records.isEmpty()
                && records.stream().allMatch(PackedBatch.Pair.class::isInstance);
    }

    /**
     * Makes sure that each pair that is evaluated has another one to be compared with.
     *
     * @throws BadInputException if there is one only
     */
    static void requireOthers(List<? extends Example> heldOut) {
        if (heldOut.size() == 1 && heldOut.get(0) instanceof PackedBatch.Pair) {
            throw new BadInputException(
                    "one pair of texts was to be evaluated, and a pair is compared with others: alone,"
                            + " its loss is 0. Hold out at least two (--eval-data; in Java heldOut(..) or split(share, seed)), or none"
                            + " (split(0, 0)).");
        }
    }

    /** Evaluates them; null if it was stopped meanwhile. */
    static @Nullable Evaluation evaluate(
            Model model, List<Adapter> adapters, List<? extends Example> records, BooleanSupplier isStopped) {
        requireOthers(records);
        Head head = model.head();
        Loss total = new Loss(0, 0);
        long right = 0;
        int groups = (records.size() + MOST - 1) / MOST;
        try (Arena arena = new Arena(model.backend().dtype())) {
            for (int g = 0; g < groups; g++) {
                int from = (int) ((long) g * records.size() / groups);
                int to = (int) ((g + 1L) * records.size() / groups);
                double[] vectors = vectors(model, adapters, sequences(records.subList(from, to)), arena, isStopped);
                if (vectors == null) {
                    return null;
                }
                int[] numbers = new int[2 * (to - from)];
                Arrays.setAll(numbers, i -> i / 2);
                Targets targets = new Targets.Classes(numbers);
                try (Pass pass = Pass.inference(model.backend(), arena)) {
                    Tensor all = pass.allocate(numbers.length, head.outputs()); // (2n, C)
                    all.set(vectors);
                    right += head.right(model.backend(), all, targets);
                    Node node = pass.node(all);
                    total = total.plus(new Loss(head.loss().forward(pass, node, targets, 1), to - from));
                }
            }
        }
        return Evaluator.evaluation(total, right, records.size(), head.measure());
    }

    /** Anchor and positive of each pair. */
    private static List<PackedBatch.Sequence> sequences(List<? extends Example> pairs) {
        return pairs.stream()
                .map(PackedBatch.Pair.class::cast)
                .flatMap(p -> Stream.of(p.anchor(), p.positive()))
                .map(s -> new PackedBatch.Sequence(s.ids(), s.tokenTypes(), Targets.none()))
                .toList();
    }

    /** Outputs of the head, row by row; null if it was stopped meanwhile. */
    private static double @Nullable [] vectors(
            Model model,
            List<Adapter> adapters,
            List<PackedBatch.Sequence> sequences,
            Arena arena,
            BooleanSupplier isStopped) {
        int width = model.head().outputs();
        double[] all = new double[sequences.size() * width];
        int from = 0;
        while (from < sequences.size()) {
            if (isStopped.getAsBoolean()) {
                return null;
            }
            int to = Evaluator.end(sequences, from, 1);
            try (Pass pass = Pass.inference(model.backend(), arena)) {
                double[] rows = model.logits(Call.of(pass, adapters), PackedBatch.of(sequences.subList(from, to)))
                        .value()
                        .toDoubles();
                System.arraycopy(rows, 0, all, from * width, rows.length);
            }
            from = to;
        }
        return all;
    }
}
