package dev.peft4j.core.train;

import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.ModelSites;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/** Which parameters are decayed: as in transformers ({@code Trainer.get_decay_parameter_names}) all but norms and biases. */
final class WeightDecay implements Predicate<Parameter> {
    private static final Pattern EXEMPT =
            Pattern.compile("bias|layernorm|rmsnorm|(?:^|\\.)norm(?:$|\\.)|_norm(?:$|\\.)");

    private final List<String> norms;

    private WeightDecay(ModelSites model) {
        norms = model.normSites().stream().map(site -> site.name() + ".").toList();
    }

    /** The parameters that are decayed on a model. */
    static Predicate<Parameter> of(ModelSites model, OptimizerConfig.Decay decay) {
        return decay == OptimizerConfig.Decay.ALL ? p -> true : new WeightDecay(model);
    }

    static void require(double weightDecay) {
        if (!(weightDecay >= 0 && Double.isFinite(weightDecay))) {
            throw new BadInputException(
                    "a weight decay of " + weightDecay + " was asked for; it is at least 0. Change it.");
        }
    }

    @Override
    public boolean test(Parameter p) {
        return !EXEMPT.matcher(p.name().toLowerCase(Locale.ROOT)).find()
                && norms.stream().noneMatch(p.name()::startsWith);
    }
}
