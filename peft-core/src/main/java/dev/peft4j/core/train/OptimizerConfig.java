package dev.peft4j.core.train;

import dev.peft4j.core.site.ModelSites;

/** Which optimizer trains, with its constants. */
public sealed interface OptimizerConfig {
    /** The usual one: AdamW with betas 0.9 and 0.999 and eps 1e-8. */
    OptimizerConfig DEFAULT = new Adam(0.9, 0.999, 1e-8);

    /**
     * Makes the optimizer of a run.
     *
     * @param weightDecay share of a parameter that is taken away per unit of the learning rate
     * @param decay which parameters are decayed
     */
    Optimizer create(ModelSites model, double weightDecay, Decay decay);

    /** Which parameters are decayed. */
    enum Decay {
        /** All but norms and biases, as in transformers. */
        NOT_NORMS_AND_BIASES,
        /** All. */
        ALL
    }

    /**
     * {@link AdamW}.
     *
     * @param beta1 of the running mean of the gradient, from 0 to below 1
     * @param beta2 of the running mean of its square
     * @param eps added to the root of the latter, above 0
     */
    record Adam(double beta1, double beta2, double eps) implements OptimizerConfig {
        /** Checks the constants. */
        public Adam {
            AdamW.requireConstants(beta1, beta2, eps);
        }

        @Override
        public Optimizer create(ModelSites model, double weightDecay, Decay decay) {
            return new AdamW(beta1, beta2, eps, weightDecay, WeightDecay.of(model, decay));
        }
    }

    /**
     * {@link Sgd}.
     *
     * @param momentum from 0 to below 1; 0 for none
     * @param nesterov whether a step looks ahead by the momentum, which then is above 0
     */
    record GradientDescent(double momentum, boolean nesterov) implements OptimizerConfig {
        /** Checks the momentum. */
        public GradientDescent {
            Sgd.requireMomentum(momentum, nesterov);
        }

        /** Without looking ahead. */
        public GradientDescent(double momentum) {
            this(momentum, false);
        }

        @Override
        public Optimizer create(ModelSites model, double weightDecay, Decay decay) {
            return new Sgd(momentum, nesterov, weightDecay, WeightDecay.of(model, decay));
        }
    }
}
