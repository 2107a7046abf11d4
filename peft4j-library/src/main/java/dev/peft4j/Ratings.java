package dev.peft4j;

import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.train.KtoObjective;
import dev.peft4j.core.train.Objective;
import dev.peft4j.models.ModelInfo;
import dev.peft4j.models.chat.Rating;
import dev.peft4j.models.chat.RatingEncoder;
import dev.peft4j.models.chat.RatingReader;
import dev.peft4j.models.data.Labels;
import dev.peft4j.models.data.RecordEncoder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Answers that are rated one by one, of which those that are wanted are to become more probable and the others less ({@link KtoObjective}), and some that are held out.
 * Immutable. If nothing was held out when training begins, a tenth is, unless that is one answer, which has none
 * to be compared with; all answers to one prompt are on the same side.
 */
public final class Ratings extends TrainingData {
    private final Sides<List<Rating>> sides; // by record
    private final KtoObjective objective;

    private Ratings(Sides<List<Rating>> sides, KtoObjective objective) {
        this.sides = sides;
        this.objective = objective;
    }

    /**
     * Reads {@code .jsonl} (and {@code .gz}, {@code .parquet}) with {@code prompt}, {@code completion} and {@code label}, which is true or false, or with {@code prompt}, {@code chosen}
     * and {@code rejected}; prompts and answers are texts or lists of messages.
     *
     * @throws dev.peft4j.core.error.BadFileException with the line, if a record is damaged or of another form
     * @throws dev.peft4j.core.error.BadInputException with the line, if an answer is empty or messages are out of order
     */
    public static Ratings read(Path file) throws IOException {
        return of(RatingReader.read(file));
    }

    /** Ratings that an application has; they are learnt by KTO with a β of 0.1 and the weights 1. */
    public static Ratings of(List<Rating> ratings) {
        return new Ratings(Sides.of(Rating.byRecord(ratings)), KtoObjective.kto());
    }

    /** With another strength, or other weights. */
    public Ratings by(KtoObjective formula) {
        return new Ratings(sides, formula);
    }

    /** Holds out a share, drawn with a seed: from 0 up to but not including 1. Those of one prompt stay together, so that no prompt is on both sides. */
    public Ratings split(double share, long seed) {
        return new Ratings(
                sides.split(r -> List.of(r.get(0).messages(), r.get(0).prompt()), share, seed), objective);
    }

    /** Holds out the ratings of another one. */
    public Ratings heldOut(Ratings other) {
        return new Ratings(sides.heldOut(other.sides), objective);
    }

    @Override
    Ratings splitUnless(double share, long seed, TaskType task) {
        Ratings split = sides.isSplit() ? this : split(share, seed);
        return sides.isSplit() || split.size(true) >= objective.leastBatch() ? split : split(0, seed);
    }

    private List<Rating> side(boolean heldOut) {
        return sides.side(heldOut).stream().flatMap(List::stream).toList();
    }

    @Override
    List<String> notes(ModelInfo model, Labels labels) {
        List<Rating> train = side(false);
        long good = train.stream().filter(Rating::isGood).count();
        return List.of(objective.balance(good, train.size() - good));
    }

    @Override
    int size(boolean heldOut) {
        return side(heldOut).size();
    }

    @Override
    Objective objective() {
        return objective;
    }

    @Override
    RecordEncoder.Encoded encode(Base base, Labels labels, int rowsInFront, int maxLength, boolean heldOut)
            throws IOException {
        List<Rating> side = side(heldOut);
        return RatingEncoder.forModel(base.model(), base.tokenizer(), side, rowsInFront, maxLength)
                .encode(side);
    }
}
