package dev.peft4j.cli;

import dev.peft4j.core.train.OptimizerConfig;
import dev.peft4j.core.train.Schedule;
import dev.peft4j.core.train.TrainingConfig;
import java.util.Locale;
import picocli.CommandLine.Option;

/** How gradients change what is trained. */
final class UpdateOptions {
    @Option(
            names = "--optimizer",
            paramLabel = "NAME",
            description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE})")
    Rule optimizer = Rule.ADAMW;

    @Option(names = "--momentum", paramLabel = "M", description = "of sgd, 0 for none (default: ${DEFAULT-VALUE})")
    double momentum = 0.9;

    @Option(names = "--nesterov", description = "sgd looks ahead by its momentum")
    boolean nesterov;

    @Option(
            names = "--schedule",
            paramLabel = "NAME",
            description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE})")
    Schedule schedule = Schedule.LINEAR;

    @Option(
            names = "--warmup",
            paramLabel = "SHARE",
            description = "share of the steps with a rising rate (default: ${DEFAULT-VALUE})")
    double warmup = 0.1;

    @Option(
            names = "--weight-decay",
            paramLabel = "D",
            description = "of the optimizer; norms and biases are left out (default: ${DEFAULT-VALUE})")
    double weightDecay;

    @Option(
            names = "--max-grad-norm",
            paramLabel = "N",
            description = "clip gradients to this norm, 0 for never (default: ${DEFAULT-VALUE})")
    double maxGradNorm = 1;

    /** The optimizers. */
    enum Rule {
        ADAMW,
        SGD;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Refuses what does not go together, before anything is read. */
    void check(Given given) {
        String why = "--optimizer " + optimizer + ", which has none";
        given.refuse("--momentum", optimizer != Rule.SGD, why);
        given.refuse("--nesterov", optimizer != Rule.SGD, why);
    }

    /** These settings. */
    TrainingConfig.Builder on(TrainingConfig.Builder config) {
        return config.optimizer(
                        optimizer == Rule.SGD
                                ? new OptimizerConfig.GradientDescent(momentum, nesterov)
                                : OptimizerConfig.DEFAULT)
                .schedule(schedule)
                .warmup(warmup)
                .weightDecay(weightDecay)
                .maxGradNorm(maxGradNorm);
    }

    /** As a report tells them. */
    @Override
    public String toString() {
        String rule = optimizer == Rule.SGD ? "sgd, momentum " + momentum + (nesterov ? " (Nesterov)" : "") : "adamw";
        return rule + ", weight decay " + weightDecay + ", clipping " + maxGradNorm;
    }
}
