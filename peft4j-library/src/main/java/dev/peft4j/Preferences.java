package dev.peft4j;

import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.train.Objective;
import dev.peft4j.core.train.PreferenceObjective;
import dev.peft4j.models.chat.Preference;
import dev.peft4j.models.chat.PreferenceEncoder;
import dev.peft4j.models.chat.PreferenceReader;
import dev.peft4j.models.data.Labels;
import dev.peft4j.models.data.RecordEncoder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Prompts with two answers each, of which the chosen one is to become more probable than the rejected one, and some that are held out. Immutable. If nothing was held
 * out when training begins, a tenth is.
 */
public final class Preferences extends TrainingData {
    private final Sides<Preference> sides;
    private final PreferenceObjective objective;

    private Preferences(Sides<Preference> sides, PreferenceObjective objective) {
        this.sides = sides;
        this.objective = objective;
    }

    /**
     * Reads {@code .jsonl} (and {@code .gz}, {@code .parquet}) with {@code prompt}, {@code chosen} and {@code rejected}, each a text or a list of messages.
     *
     * @throws dev.peft4j.core.error.BadFileException with the line, if a record is damaged or of another form
     * @throws dev.peft4j.core.error.BadInputException with the line, if both answers are the same
     */
    public static Preferences read(Path file) throws IOException {
        return of(PreferenceReader.read(file));
    }

    /** Preferences that an application has; they are learnt by DPO with a β of 0.1. */
    public static Preferences of(List<Preference> preferences) {
        return new Preferences(Sides.of(preferences), PreferenceObjective.dpo());
    }

    /** With another formula. */
    public Preferences by(PreferenceObjective formula) {
        return new Preferences(sides, formula);
    }

    /** Holds out a share, drawn with a seed: from 0 up to but not including 1. Those of one prompt stay together, so that no prompt is on both sides. */
    public Preferences split(double share, long seed) {
        return new Preferences(sides.split(p -> List.of(p.messages(), p.prompt()), share, seed), objective);
    }

    /** Holds out the preferences of another one. */
    public Preferences heldOut(Preferences other) {
        return new Preferences(sides.heldOut(other.sides), objective);
    }

    @Override
    Preferences splitUnless(double share, long seed, TaskType task) {
        return sides.isSplit() ? this : split(share, seed);
    }

    @Override
    int size(boolean heldOut) {
        return sides.side(heldOut).size();
    }

    @Override
    Objective objective() {
        return objective;
    }

    @Override
    RecordEncoder.Encoded encode(Base base, Labels labels, int rowsInFront, int maxLength, boolean heldOut)
            throws IOException {
        List<Preference> side = sides.side(heldOut);
        return PreferenceEncoder.forModel(base.model(), base.tokenizer(), side, rowsInFront, maxLength)
                .encode(side);
    }
}
