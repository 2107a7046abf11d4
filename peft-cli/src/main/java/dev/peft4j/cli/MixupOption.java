package dev.peft4j.cli;

import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.train.Strategy;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.models.ModelInfo;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Whether images of a pass are mixed with each other. */
final class MixupOption {
    private static final String MIXUP = "--mixup";

    @Option(
            names = MIXUP,
            paramLabel = "ALPHA",
            description =
                    "mix the images of a forward pass, and their labels, with each other, by a share from Beta(ALPHA, ALPHA):"
                            + " above 0, such as 0.2; held-out images are never mixed (default: images as they are)")
    @Nullable
    Double alpha;

    /** Settings with this one. */
    TrainingConfig of(TrainingConfig config) {
        Double given = alpha;
        return given == null ? config : config.withMixup(given);
    }

    /** Refuses what cannot be mixed, before anything is read. */
    void check(Given given, ModelInfo model, List<Strategy> strategies) {
        of(TrainingConfig.builder().build()); // says what is wrong with it
        given.refuse(MIXUP, model.task() != TaskType.IMAGE_CLS, "a model of texts, whose tokens cannot be mixed");
        for (Strategy strategy : strategies) {
            given.refuse(
                    MIXUP,
                    strategy.isCached(),
                    "the strategy " + strategy + ", whose features are those of each image by itself");
        }
    }
}
