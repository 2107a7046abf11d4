package dev.peft4j.core.layer;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.BadInputException;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * The loss of pairs with the other pairs of a batch as negatives: {@code -log softmax_j(a_i · p_j / temperature)[i]} for each anchor a and all positives p, which
 * are vectors of length 1. Of the sequences of a class ({@link Targets.Classes}), the first one is the anchor and the second one its positive; those without a
 * class are compared with nothing.
 *
 * <p>Henderson et al. 2017, <a href="https://arxiv.org/abs/1705.00652">paper</a>, section 4.4; van den Oord et al. 2018,
 * <a href="https://arxiv.org/abs/1807.03748">paper</a>, equation 4.
 *
 * @param temperature by which similarities are divided; above 0
 * @param isSymmetric whether the loss is the mean of that and the same from positives to anchors
 */
public record ContrastiveLoss(double temperature, boolean isSymmetric) implements LossFunction {
    /** Of most models of sentences: a temperature of 0.05, from anchors to positives. */
    public static final ContrastiveLoss DEFAULT = new ContrastiveLoss(0.05, false);

    /** Checks the temperature. */
    public ContrastiveLoss {
        if (!(temperature > 0) || Double.isInfinite(temperature)) {
            throw new BadInputException(
                    "a temperature of " + temperature + " was given. Give a number above 0, such as 0.05.");
        }
    }

    /**
     * Which sequences belong together.
     *
     * @param anchors (n), their numbers
     * @param positives (n)
     */
    public record Pairs(int[] anchors, int[] positives) {
        /**
         * The pairs of a batch, in the order of their anchors.
         *
         * @throws BadInputException if a class has one sequence, or more than two
         */
        public static Pairs of(int... classes) {
            Map<Integer, Integer> first = new HashMap<>();
            int[] partner = new int[classes.length];
            for (int i = 0; i < classes.length; i++) {
                partner[i] = Targets.IGNORE;
                Integer anchor = classes[i] == Targets.IGNORE ? null : first.putIfAbsent(classes[i], i);
                if (anchor != null) {
                    if (partner[anchor] != Targets.IGNORE) {
                        throw wrong(classes[i], "more than two texts");
                    }
                    partner[anchor] = i;
                }
            }
            int[] anchors =
                    first.values().stream().mapToInt(Integer::intValue).sorted().toArray();
            for (int a : anchors) {
                if (partner[a] == Targets.IGNORE) {
                    throw wrong(classes[a], "one text");
                }
            }
            return new Pairs(anchors, IntStream.of(anchors).map(a -> partner[a]).toArray());
        }

        private static BadInputException wrong(int pair, String found) {
            return new BadInputException("pairs of texts were to be compared, and pair " + pair + " has " + found
                    + " in its batch. Give each pair two texts that stay together.");
        }
    }

    @Override
    public double forward(Pass pass, Node logits, Targets targets, double scale) {
        Pairs pairs = Pairs.of(Losses.require(Targets.Classes.class, targets, "contrastive loss")
                .classes());
        Node a = Functions.rows(pass, logits, pairs.anchors);
        Node p = Functions.rows(pass, logits, pairs.positives);
        double sum = oneWay(pass, a, p, isSymmetric ? scale / 2 : scale);
        return isSymmetric ? (sum + oneWay(pass, p, a, scale / 2)) / 2 : sum;
    }

    private double oneWay(Pass pass, Node from, Node to, double scale) {
        Node s = Functions.scale(pass, 1 / temperature, Products.linear(pass, from, to)); // (n, n)
        int[] own = IntStream.range(0, s.value().rows()).toArray();
        return Losses.crossEntropy(pass, s, new Targets.Classes(own), scale);
    }
}
