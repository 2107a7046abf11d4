package dev.peft4j.core.train;

import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.site.ModelSites;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/** Which parameters AdamW decays: as in transformers ({@code Trainer.get_decay_parameter_names}) all but norms and biases. */
final class WeightDecay implements Predicate<Parameter> {
    private static final Pattern EXEMPT =
            Pattern.compile("bias|layernorm|rmsnorm|(?:^|\\.)norm(?:$|\\.)|_norm(?:$|\\.)");

    private final List<String> norms;

    WeightDecay(ModelSites model) {
        norms = model.normSites().stream().map(site -> site.name() + ".").toList();
    }

    @Override
    public boolean test(Parameter p) {
        return !EXEMPT.matcher(p.name().toLowerCase(Locale.ROOT)).find()
                && norms.stream().noneMatch(p.name()::startsWith);
    }
}
