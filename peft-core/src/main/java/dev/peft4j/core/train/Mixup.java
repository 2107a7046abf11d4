package dev.peft4j.core.train;

import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.data.VariedImage;
import dev.peft4j.core.error.BadInputException;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Mixes the images of a batch with each other: {@code x = share · x[i] + (1 - share) · x[j]}, and what is to be predicted in the same way, with one share from
 * Beta(alpha, alpha) for the batch and partners by a random permutation of it.
 *
 * <p>Zhang et al. 2018, <a href="https://arxiv.org/abs/1710.09412">paper</a>, figure 1 and section 2.
 *
 * @param alpha above 0: towards 0 images stay as they are, or change places with their partners; 1 is any share alike, and above it halves are likelier
 */
record Mixup(double alpha) {
    private static final long PASSES = 0x9FB21C651E98DF25L; // so that these numbers are not those of dropout

    /** The mixing of a run; null if there is none. */
    static @Nullable Mixup of(TrainingConfig config) {
        Double alpha = config.mixup();
        return alpha == null ? null : new Mixup(alpha);
    }

    /**
     * Refuses runs whose batches cannot be mixed.
     *
     * @throws BadInputException if a record is no image, features are cached, or the loss is not that of the head
     */
    static void requireUse(
            TrainingConfig config, Objective objective, @Nullable Strategy strategy, List<? extends Example> records) {
        if (config.mixup() == null) {
            return;
        }
        String asked = "mixup " + config.mixup() + " was asked for";
        if (!objective.equals(HeadObjective.DEFAULT)) {
            throw new BadInputException(asked + " with the loss " + objective.name()
                    + ", which is not told what was mixed. Leave out mixup, or train by the loss of the head.");
        }
        if (strategy != null && strategy.isCached()) {
            throw new BadInputException(asked + " with " + strategy
                    + ", whose features are those of each image by itself. Leave out mixup, or use the strategy head.");
        }
        for (int i = 0; i < records.size(); i++) {
            if (!(records.get(i) instanceof ImageBatch.Image || records.get(i) instanceof VariedImage)) {
                throw new BadInputException(asked + ", and record " + i
                        + " is no image: tokens and features are not mixed. Leave out mixup, or train on images.");
            }
        }
    }

    /**
     * The batch with its images mixed. Those that are not scored stay as they are, and are nobody's partner; so does a batch with fewer than two others.
     *
     * @param seed of the forward pass
     */
    Batch mixed(Batch batch, long seed) {
        if (!(batch instanceof ImageBatch images)) {
            throw new AssertionError("records that are no images are refused before");
        }
        int[] scored = scored(images);
        if (scored.length < 2) {
            return batch;
        }
        SplittableRandom random = new SplittableRandom(seed ^ PASSES);
        double share = share(random);
        int[] drawn = scored.clone();
        for (int i = drawn.length - 1; i > 0; i--) { // Fisher and Yates
            int j = random.nextInt(i + 1);
            int swap = drawn[i];
            drawn[i] = drawn[j];
            drawn[j] = swap;
        }
        int[] partners = IntStream.range(0, batch.size()).toArray();
        for (int i = 0; i < drawn.length; i++) {
            partners[scored[i]] = drawn[i];
        }
        return images.mixed(share, partners);
    }

    private static int[] scored(ImageBatch images) {
        IntStream all = IntStream.range(0, images.size());
        return images.targets() instanceof Targets.Classes given
                ? all.filter(i -> given.classes()[i] != Targets.IGNORE).toArray()
                : all.toArray();
    }

    /**
     * A share from Beta(alpha, alpha): {@code a / (a + b)} of two numbers from Gamma(alpha), of which only the quotient is made, so that no alpha is too small.
     */
    double share(RandomGenerator random) {
        double own = logGamma(random);
        double logOdds = own - logGamma(random);
        if (alpha < 1) { // Gamma(alpha) = Gamma(alpha + 1) · U^(1 / alpha)
            double u = logUniform(random);
            logOdds += (u - logUniform(random)) / alpha;
        }
        return 1 / (1 + StrictMath.exp(-logOdds));
    }

    /** Log of a number from Gamma(alpha), from Gamma(alpha + 1) if alpha is below 1: Marsaglia and Tsang 2000, a simple method for generating gamma variables. */
    private double logGamma(RandomGenerator random) {
        double d = (alpha < 1 ? alpha + 1 : alpha) - 1.0 / 3;
        double c = 1 / StrictMath.sqrt(9 * d);
        while (true) {
            double x = random.nextGaussian();
            double root = 1 + c * x;
            if (root > 0) {
                double log = 3 * StrictMath.log(root); // of v = root³
                if (logUniform(random) < x * x / 2 + d * (1 - root * root * root + log)) {
                    return StrictMath.log(d) + log;
                }
            }
        }
    }

    /** Log of a number above 0 and at most 1. */
    private static double logUniform(RandomGenerator random) {
        return StrictMath.log(1 - random.nextDouble());
    }
}
