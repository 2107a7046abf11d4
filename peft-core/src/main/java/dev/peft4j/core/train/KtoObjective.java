package dev.peft4j.core.train;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Measure;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.model.Loss;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Kahneman-Tversky optimisation: makes answers that are wanted more probable, and others less. It needs no pairs, only answers of which each is rated
 * ({@link dev.peft4j.core.data.RatedAnswer}): {@code λ (1 - σ(± β (r - z)))}, with + and {@code λ_D} for a wanted answer, - and {@code λ_U} for another.
 *
 * <p>{@code r = log π(y|x) - log ref(y|x)}, where the reference is the model without the adapters that are trained. {@code z}, from where gains and losses count, is
 * the mean of r over the batch with each prompt and the answer of the example in front of it, at least 0, and is not derived. Such a sequence is cut to the context of
 * the model. If one example alone is evaluated, z is of its own answer.
 *
 * <p>Ethayarajh et al. 2024, <a href="https://arxiv.org/abs/2402.01306">paper</a>, equations 7 and 8; z is estimated as TRL's {@code KTOTrainer} does. Cost: three
 * passes forward beside that which is derived.
 *
 * @param strength β, above 0
 * @param goodWeight λ_D of answers that are wanted, above 0
 * @param badWeight λ_U of the others, above 0
 */
public record KtoObjective(double strength, double goodWeight, double badWeight) implements Objective {
    private static final double MOST = 4.0 / 3; // of λ_D n_D / (λ_U n_U), which is at least 1: equation 9 of the paper

    /**
     * Checks the numbers.
     *
     * @throws BadInputException if one is not above 0, or infinite
     */
    public KtoObjective {
        for (double number : new double[] {strength, goodWeight, badWeight}) {
            if (!(number > 0) || Double.isInfinite(number)) {
                throw new BadInputException("a strength of " + strength + " and weights of " + goodWeight + " and "
                        + badWeight + " were given for KTO. Give numbers above 0, such as 0.1, 1 and 1.");
            }
        }
    }

    /** With a β of 0.1 and the weights 1. */
    public static KtoObjective kto() {
        return new KtoObjective(0.1, 1, 1);
    }

    /** With another β. */
    public KtoObjective withStrength(double beta) {
        return new KtoObjective(beta, goodWeight, badWeight);
    }

    /** With other weights: of answers that are wanted, and of the others. */
    public KtoObjective withWeights(double ofGood, double ofBad) {
        return new KtoObjective(strength, ofGood, ofBad);
    }

    /** What to think of so many answers of both kinds, in a line: the sums of their weights should be as 1 to 1 up to 4 to 3. */
    public String balance(long good, long bad) {
        String found = good + " answers are rated as good and " + bad + " as bad";
        if (good == 0 || bad == 0) {
            return found + ": what is learnt of one kind alone may be to make every answer more probable, or less. Add"
                    + " the other kind.";
        }
        double ratio = goodWeight * good / (badWeight * bad);
        double least = badWeight * bad / good; // of the weight of good ones
        return found
                + String.format(Locale.ROOT, ", weighed %s and %s: %.2f to 1", goodWeight, badWeight, ratio)
                + (ratio >= 1 - 1e-9 && ratio <= MOST + 1e-9
                        ? ""
                        : String.format(
                                Locale.ROOT,
                                ". The paper advises 1 to 1.33: a weight of good ones from %.2f to %.2f, or of bad ones from %.2f to %.2f",
                                least,
                                MOST * least,
                                goodWeight * good / (MOST * bad),
                                goodWeight * good / bad));
    }

    @Override
    public String name() {
        return "KTO " + strength + ", weights " + goodWeight + " and " + badWeight;
    }

    @Override
    public boolean needsReference() {
        return true;
    }

    @Override
    public int leastBatch() {
        return 2;
    }

    @Override
    public int scored(Model model, Batch batch, List<Adapter> adapters) {
        rated(batch);
        return model.scored(batch, adapters) == 0 ? 0 : batch.size();
    }

    @Override
    public Measure measure(Model model) {
        return Measure.ACCURACY;
    }

    @Override
    public Prepared prepare(Model model, Batch batch, List<Adapter> adapters, List<Adapter> reference, Arena arena) {
        PackedBatch rated = rated(batch);
        int rows = adapters.stream().mapToInt(Adapter::rowsInFront).sum();
        PackedBatch others = exchanged(rated, model.contextLength() - rows);
        double z = 0;
        if (!adapters.equals(reference) && model.scored(others, adapters) > 0) {
            double[] now = Answers.logProbabilities(model, others, adapters, arena);
            double[] before = Answers.logProbabilities(model, others, reference, arena);
            z = Math.max(0, (Arrays.stream(now).sum() - Arrays.stream(before).sum()) / now.length);
        }
        double mean = z;
        double[] known = Answers.logProbabilities(model, rated, reference, arena);
        return Answers.prepared(model, rated, (answers, scale) -> judge(rated, known, mean, answers, scale));
    }

    private static PackedBatch rated(Batch batch) {
        if (batch instanceof PackedBatch packed && packed.ratings().length > 0) {
            return packed;
        }
        throw new BadInputException(
                "KTO was asked for, which learns of answers that are rated one by one, and a batch has "
                        + batch.targets().kind() + " without ratings. Give rated answers.");
    }

    /** Each prompt with the answer of the sequence in front of it, and the first with that of the last; cut to so many tokens. */
    private static PackedBatch exchanged(PackedBatch batch, int most) {
        int[] labels = ((Targets.PerToken) batch.targets()).labels();
        List<PackedBatch.Sequence> all = new ArrayList<>();
        for (int s = 0; s < batch.sequences(); s++) {
            int other = s == 0 ? batch.sequences() - 1 : s - 1;
            int from = batch.start(s);
            int prompt = answer(batch, labels, s) - from;
            int begin = answer(batch, labels, other);
            int length = batch.start(other) + batch.length(other) - begin;
            int[] ids = Arrays.copyOfRange(batch.ids(), from, from + Math.min(most, prompt + length));
            int[] learnt = new int[ids.length];
            Arrays.fill(learnt, Targets.IGNORE);
            int fitting = ids.length - Math.min(ids.length, prompt);
            System.arraycopy(batch.ids(), begin, ids, ids.length - fitting, fitting);
            System.arraycopy(labels, begin, learnt, ids.length - fitting, fitting);
            all.add(PackedBatch.Sequence.labelled(ids, learnt));
        }
        return PackedBatch.of(all);
    }

    /** Where the answer of a sequence begins. */
    private static int answer(PackedBatch batch, int[] labels, int s) {
        int end = batch.start(s) + batch.length(s);
        int at = batch.start(s);
        while (at < end && labels[at] == Targets.IGNORE) {
            at++;
        }
        return at;
    }

    private Judged judge(PackedBatch batch, double[] reference, double z, Answers answers, double scale) {
        int n = batch.sequences();
        double sum = 0;
        long right = 0;
        double[] pulls = new double[n];
        for (int s = 0; s < n; s++) {
            boolean good = batch.ratings()[s];
            double sign = good ? strength : -strength;
            double weight = good ? goodWeight : badWeight;
            double h = sign * (answers.logProbabilities()[s] - reference[s] - z);
            double loss = weight / (1 + Math.exp(h)); // λ (1 - σ(h))
            sum += loss;
            right += h > 0 ? 1 : 0;
            pulls[s] = scale * sign * loss / (1 + Math.exp(-h)); // -dloss/dr = λ β σ(h) (1 - σ(h))
        }
        answers.derive(pulls);
        return new Judged(new Loss(sum, n), right, n);
    }
}
