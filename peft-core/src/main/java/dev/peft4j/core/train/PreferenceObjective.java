package dev.peft4j.core.train;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Measure;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.model.Loss;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import java.util.List;

/**
 * Makes the chosen one of two answers more probable than the rejected one. The sequences of a batch are pairs: the chosen answer, and behind it the rejected one
 * ({@link dev.peft4j.core.data.PackedBatch.Choice}); {@code log π} of an answer is the sum of the logarithms of the probabilities of its tokens.
 *
 * @param kind the formula
 * @param strength β of {@link Kind#DPO}, λ of {@link Kind#ORPO}; above 0
 */
public record PreferenceObjective(Kind kind, double strength) implements Objective {
    private static final double SURE = -1e-6; // greatest mean of logarithms of probabilities

    /** How two answers are compared. */
    public enum Kind {
        /**
         * Direct preference optimisation: {@code -log σ(β ((log π(w) - log ref(w)) - (log π(l) - log ref(l))))}. The reference is the model without the adapters that
         * are trained, so it takes no memory.
         *
         * <p>Rafailov et al. 2023, <a href="https://arxiv.org/abs/2305.18290">paper</a>, equation 7.
         */
        DPO,
        /**
         * Odds ratio preference optimisation, without a reference: {@code -m(w) - λ log σ(log odds(w) - log odds(l))}, where m is the mean of the logarithms of the
         * probabilities of the tokens of an answer, and {@code odds = eᵐ / (1 - eᵐ)}.
         *
         * <p>Hong et al. 2024, <a href="https://arxiv.org/abs/2403.07691">paper</a>, equations 4 to 6.
         */
        ORPO
    }

    /** Checks the strength. */
    public PreferenceObjective {
        if (!(strength > 0) || Double.isInfinite(strength)) {
            throw new BadInputException(
                    "a strength of " + strength + " was given for " + kind + ". Give a number above 0, such as 0.1.");
        }
    }

    /** With the β of most papers, 0.1. */
    public static PreferenceObjective dpo() {
        return new PreferenceObjective(Kind.DPO, 0.1);
    }

    /** With the λ of its paper, 0.1. */
    public static PreferenceObjective orpo() {
        return new PreferenceObjective(Kind.ORPO, 0.1);
    }

    @Override
    public String name() {
        return kind + " " + strength;
    }

    @Override
    public boolean needsReference() {
        return kind == Kind.DPO;
    }

    @Override
    public int scored(Model model, Batch batch, List<Adapter> adapters) {
        if (batch.size() % 2 != 0) {
            throw new BadInputException("preferences are learnt of pairs of answers, and a batch has " + batch.size()
                    + " sequences. Give choices.");
        }
        return model.scored(batch, adapters) == 0 ? 0 : batch.size() / 2;
    }

    @Override
    public Measure measure(Model model) {
        return Measure.ACCURACY;
    }

    @Override
    public Prepared prepare(Model model, Batch batch, List<Adapter> adapters, List<Adapter> reference, Arena arena) {
        double[] known =
                kind == Kind.DPO ? Answers.logProbabilities(model, batch, reference, arena) : new double[batch.size()];
        return Answers.prepared(model, batch, (answers, scale) -> judge(known, answers, scale));
    }

    /** What one pair costs, and the derivatives of it by the logarithms of the probabilities of both answers. */
    private record Cost(double loss, double byChosen, double byRejected, boolean right) {}

    /** w and l: logarithms of the probabilities of the answers less those of the reference, with their numbers of tokens. */
    private Cost cost(double w, int tokensOfW, double l, int tokensOfL) {
        if (kind == Kind.DPO) {
            double h = strength * (w - l);
            double pull = strength * sigmoid(-h);
            return new Cost(softplus(-h), -pull, pull, h > 0);
        }
        double meanW = Math.min(SURE, w / Math.max(1, tokensOfW)); // a sure answer has no finite odds
        double meanL = Math.min(SURE, l / Math.max(1, tokensOfL));
        double ratio = meanW - meanL - (logOneMinusExp(meanW) - logOneMinusExp(meanL));
        double pull = strength * sigmoid(-ratio);
        return new Cost(
                -meanW + strength * softplus(-ratio),
                (-1 - pull / -Math.expm1(meanW)) / Math.max(1, tokensOfW),
                pull / -Math.expm1(meanL) / Math.max(1, tokensOfL),
                ratio > 0);
    }

    private static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    /** {@code log(1 + eˣ)}. */
    private static double softplus(double x) {
        return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
    }

    /** {@code log(1 - eˣ)} of x below 0. */
    private static double logOneMinusExp(double x) {
        return x > -Math.log(2) ? Math.log(-Math.expm1(x)) : Math.log1p(-Math.exp(x));
    }

    private Judged judge(double[] reference, Answers answers, double scale) {
        int pairs = reference.length / 2;
        double sum = 0;
        long right = 0;
        double[] pulls = new double[reference.length];
        for (int p = 0; p < pairs; p++) {
            int w = 2 * p;
            int l = w + 1;
            Cost c = cost(
                    answers.logProbabilities()[w] - reference[w],
                    answers.tokens(w),
                    answers.logProbabilities()[l] - reference[l],
                    answers.tokens(l));
            sum += c.loss;
            right += c.right ? 1 : 0;
            pulls[w] = -scale * c.byChosen;
            pulls[l] = -scale * c.byRejected;
        }
        answers.derive(pulls);
        return new Judged(new Loss(sum, pairs), right, pairs);
    }
}
