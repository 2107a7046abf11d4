package dev.peft4j.core.train;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Layout;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.layer.Head;
import dev.peft4j.core.layer.RowLoss;
import dev.peft4j.core.model.Loss;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The answers of a batch, as a model with adapters has them: {@code log π} of an answer is the sum of the logarithms of the probabilities of its tokens.
 *
 * @param model that is asked
 * @param call over the rows
 * @param hidden of the rows that predict a token of an answer
 * @param targets of these rows
 * @param starts first of them of each sequence, and their number
 * @param logProbabilities of each answer
 */
record Answers(Model model, Call call, Node hidden, int[] targets, int[] starts, double[] logProbabilities) {
    /** {@code log π} of each answer by a model with adapters, without anything to derive. */
    static double[] logProbabilities(Model model, Batch batch, List<Adapter> adapters, Arena arena) {
        try (Pass pass = Pass.inference(model.backend(), arena)) {
            return of(model, Call.of(pass, adapters), batch).logProbabilities();
        }
    }

    static Answers of(Model model, Call chosen, Batch batch) {
        Layout layout = model.layout(chosen, batch);
        Head.Scored scored = model.head().scored(layout);
        if (!(scored.targets() instanceof Targets.Classes classes)) {
            throw new BadInputException("answers are compared by a language model, and this one is compared with "
                    + scored.targets().kind() + ". Use a model that generates text.");
        }
        int[] starts = new int[layout.size() + 1];
        int at = 0;
        for (int s = 0; s < layout.size(); s++) {
            starts[s] = at;
            while (at < scored.rows().length && scored.rows()[at] < layout.starts()[s + 1]) {
                at++;
            }
        }
        starts[layout.size()] = at;
        Node hidden = model.hidden(chosen, batch, scored.rows());
        Answers answers = new Answers(
                model,
                layout.over(chosen, scored.rows()),
                hidden,
                classes.classes(),
                starts,
                new double[layout.size()]);
        Node values = chosen.pass().node(hidden.value()); // not derived: what it costs is not known yet
        answers.crossEntropies(values, new double[layout.size()], answers.logProbabilities);
        return answers;
    }

    int tokens(int s) {
        return (int) Arrays.stream(targets, starts[s], starts[s + 1])
                .filter(t -> t != Targets.IGNORE)
                .count();
    }

    /** Adds the gradient of so many times the negative logarithm of the probability of each answer. */
    void derive(double... scales) {
        if (call.pass().isRecording()) {
            crossEntropies(hidden, scales, new double[scales.length]);
        }
    }

    /**
     * Cross entropies of the rows of all answers at once, for a head of many outputs is slow with few rows.
     *
     * @param scales of the gradients of each answer
     * @param logProbabilities of each answer, to which the logarithms of its tokens are added
     */
    private void crossEntropies(Node rows, double[] scales, double[] logProbabilities) {
        int[] answers = IntStream.range(0, scales.length)
                .flatMap(s -> IntStream.generate(() -> s).limit(tokens(s)))
                .toArray(); // of each token
        int[] done = {0}; // tokens; they come in chunks
        RowLoss.forward(
                new Head.Features(call, rows),
                new Targets.Classes(targets),
                1,
                model.head(),
                (pass, logits, chunk, scale) -> {
                    int[] labels = ((Targets.Classes) chunk).classes();
                    double sum = 0;
                    int to;
                    for (int from = 0; from < labels.length; from = to) {
                        int s = answers[done[0] + from];
                        to = from + 1;
                        while (to < labels.length && answers[done[0] + to] == s) {
                            to++;
                        }
                        Tensor part = logits.value().rows(from, to - from);
                        int[] tokens = Arrays.copyOfRange(labels, from, to);
                        double cost = pass.backend().kernels().crossEntropy(part, tokens, scale * scales[s]);
                        logProbabilities[s] -= cost;
                        sum += cost;
                    }
                    done[0] += labels.length;
                    if (pass.isRecording() && logits.isTracked()) {
                        pass.addGrad(logits, logits.value());
                    }
                    return sum;
                });
    }

    /** What answers of a batch cost together, and how many are as they should be. */
    interface Comparison {
        /**
         * Compares them, and derives.
         *
         * @param scale of the gradient
         */
        Objective.Judged of(Answers answers, double scale);
    }

    /** A batch that is compared. */
    static Objective.Prepared prepared(Model model, Batch batch, Comparison comparison) {
        return new Objective.Prepared() {
            @Override
            public Loss loss(Call call, double scale) {
                return comparison.of(Answers.of(model, call, batch), scale).loss();
            }

            @Override
            public Objective.Judged judge(Call call) {
                return comparison.of(Answers.of(model, call, batch), 1);
            }
        };
    }
}
