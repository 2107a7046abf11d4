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
import dev.peft4j.core.layer.Losses;
import dev.peft4j.core.layer.RowLoss;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import java.util.Arrays;
import java.util.List;

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
        for (int s = 0; s < layout.size(); s++) { // not derived: what it costs is not known yet
            if (answers.tokens(s) > 0) {
                Node values = chosen.pass().node(answers.rows(s).value());
                answers.logProbabilities[s] = -answers.crossEntropy(s, values, 0);
            }
        }
        return answers;
    }

    private Node rows(int s) {
        return hidden.rows(starts[s], starts[s + 1] - starts[s]);
    }

    int tokens(int s) {
        return (int) Arrays.stream(targets, starts[s], starts[s + 1])
                .filter(t -> t != Targets.IGNORE)
                .count();
    }

    private double crossEntropy(int s, Node rows, double scale) {
        int[] labels = Arrays.copyOfRange(targets, starts[s], starts[s + 1]);
        return RowLoss.forward(
                new Head.Features(call, rows), new Targets.Classes(labels), scale, model.head(), Losses::crossEntropy);
    }

    /** Adds the gradient of so many times the negative logarithm of the probability of an answer. */
    void derive(int s, double scale) {
        if (call.pass().isRecording() && tokens(s) > 0) {
            crossEntropy(s, rows(s), scale);
        }
    }
}
