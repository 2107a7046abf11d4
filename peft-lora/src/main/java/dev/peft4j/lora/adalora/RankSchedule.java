package dev.peft4j.lora.adalora;

import dev.peft4j.core.error.BadInputException;

/**
 * How AdaLoRA gives out ranks.
 *
 * <p>Zhang et al. 2023, <a href="https://arxiv.org/abs/2303.10512">paper</a>, section 3.3.
 *
 * @param initR rank of every layer at the start ({@code init_r})
 * @param targetR rank on average at the end ({@code target_r})
 * @param tInit steps before the first cut
 * @param tFinal steps after the last cut
 * @param deltaT steps between cuts
 * @param beta1 of the running mean of the importance of an element
 * @param beta2 of the running mean of its uncertainty
 * @param totalSteps of the training run; 0 for as many as the trainer makes
 */
public record RankSchedule(
        int initR, int targetR, int tInit, int tFinal, int deltaT, double beta1, double beta2, int totalSteps) {

    /** Checks the ranges. */
    public RankSchedule {
        boolean nothing = initR == 0 && targetR == 1; // as a file may have it
        if (!nothing && (initR < 1 || targetR < 1 || targetR > initR)) {
            throw new BadInputException("init_r = " + initR + " and target_r = " + targetR
                    + " were given; ranks are at least 1, and the target is not above the start. 12 and 8 are usual.");
        }
        if (tInit < 0 || tFinal < 0 || deltaT < 1 || totalSteps < 0) {
            throw new BadInputException("tinit = " + tInit + ", tfinal = " + tFinal + ", deltaT = " + deltaT
                    + ", total_step = " + totalSteps + " were given; deltaT is at least 1, the others at least 0.");
        }
        if (totalSteps > 0 && tInit >= totalSteps - tFinal) {
            throw new BadInputException("tinit = " + tInit + " and tfinal = " + tFinal
                    + " leave no step of total_step = " + totalSteps + " to cut ranks in. Make them shorter.");
        }
        if (!(beta1 > 0 && beta1 < 1 && beta2 > 0 && beta2 < 1)) {
            throw new BadInputException("beta1 = " + beta1 + " and beta2 = " + beta2
                    + " were given; they are between 0 and 1. 0.85 is usual.");
        }
    }

    /** PEFT's defaults for these ranks. */
    public static RankSchedule of(int initR, int targetR) {
        return new RankSchedule(initR, targetR, 0, 0, 1, 0.85, 0.85, 0);
    }

    RankSchedule withTotalSteps(int steps) {
        return new RankSchedule(initR, targetR, tInit, tFinal, deltaT, beta1, beta2, steps);
    }

    /** How many ranks all layers have together after a step, by a cubic curve (equation 12). */
    int budget(int step, int layers) {
        int first = initR * layers;
        int last = targetR * layers;
        if (step <= tInit) {
            return first;
        }
        if (step > totalSteps - tFinal) {
            return last;
        }
        double left = 1 - (double) (step - tInit) / (totalSteps - tFinal - tInit);
        return (int) ((first - last) * left * left * left + last);
    }

    /** Whether ranks are cut after a step. */
    boolean cutsAfter(int step) {
        return step > tInit && (step > totalSteps - tFinal || step == totalSteps - tFinal || step % deltaT == 0);
    }

    /** The step with the last cut. */
    int lastCut() {
        return totalSteps - tFinal;
    }
}
