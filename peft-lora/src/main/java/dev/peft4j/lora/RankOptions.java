package dev.peft4j.lora;

import dev.peft4j.core.adapter.MethodOption;
import dev.peft4j.core.adapter.MethodValues;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.ModelSites;

/** The options that the methods of this module share. */
public final class RankOptions {
    /** {@code r}. */
    public static final MethodOption R = MethodOption.whole("--r", "R", 8, "rank");

    /** {@code lora_alpha}. */
    public static final MethodOption ALPHA =
            MethodOption.number("--lora-alpha", "A", 16, "the update is scaled by A / R");

    /** {@code lora_dropout}. */
    public static final MethodOption DROPOUT =
            MethodOption.number("--lora-dropout", "P", 0, "dropout in front of the adapter");

    private RankOptions() {}

    /**
     * The rank of a method whose update has it as the rank of a matrix.
     *
     * @throws BadInputException if no layer of the model has it
     */
    public static int rank(MethodValues values, ModelSites model) {
        int r = values.whole(R);
        int most = model.linearSites().stream()
                .mapToInt(s -> Math.min(s.in(), s.out()))
                .max()
                .orElse(r);
        if (r > most) {
            throw new BadInputException("--r " + r + " was given; the layers of this " + model.modelType()
                    + " model have at most the rank " + most + ". Use a smaller one; 8 is usual.");
        }
        return r;
    }
}
