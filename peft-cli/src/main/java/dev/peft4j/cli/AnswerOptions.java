package dev.peft4j.cli;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.train.KtoObjective;
import dev.peft4j.core.train.Objective;
import dev.peft4j.core.train.PreferenceObjective;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How answers are compared or weighed that are preferred or rated. */
final class AnswerOptions {
    @Option(
            names = "--strength",
            paramLabel = "X",
            description = "of --form dpo and kto their beta, of orpo its lambda (default: 0.1)")
    @Nullable
    Double strength;

    @Option(
            names = "--good-weight",
            paramLabel = "X",
            description = "of --form kto, what answers with the label true weigh (default: 1)")
    @Nullable
    Double goodWeight;

    @Option(
            names = "--bad-weight",
            paramLabel = "X",
            description = "of --form kto, what answers with the label false weigh (default: 1)")
    @Nullable
    Double badWeight;

    /** What is made small with records of a form, or null for the loss of the head. */
    @Nullable
    Objective objective(TrainingRecords.Form form) {
        boolean weighs = goodWeight != null || badWeight != null;
        boolean weighsOthers = weighs && form != TrainingRecords.Form.KTO;
        if (weighsOthers || (strength != null && !form.compares())) {
            throw new BadInputException(
                    (weighsOthers ? "weights of answers were" : "a strength was") + " given with --form "
                            + form + ", and " + (weighsOthers ? "kto has them" : "dpo, orpo and kto have one")
                            + " alone. Leave it out, or give another --form.");
        }
        return switch (form) {
            case RECORDS, CHAT -> null;
            case DPO, ORPO ->
                new PreferenceObjective(
                        form == TrainingRecords.Form.DPO ? PreferenceObjective.Kind.DPO : PreferenceObjective.Kind.ORPO,
                        or(strength, 0.1));
            case KTO -> kto();
        };
    }

    KtoObjective kto() {
        return new KtoObjective(or(strength, 0.1), or(goodWeight, 1), or(badWeight, 1));
    }

    private static double or(@Nullable Double given, double usual) {
        return given == null ? usual : given;
    }
}
