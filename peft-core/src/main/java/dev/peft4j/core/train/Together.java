package dev.peft4j.core.train;

import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.error.BadInputException;
import java.util.List;

/**
 * How many examples have to be in each batch of a run, because they are compared with each other.
 *
 * @param least examples of a batch; 1 where each is learnt by itself
 * @param learnt what is, for messages
 */
record Together(int least, String learnt) {
    private static final int PAIRS = 2; // a pair is compared with the others of its batch

    /** What an objective asks for, whatever the examples are. */
    static Together of(Objective objective) {
        return new Together(objective.leastBatch(), "examples of " + objective.name());
    }

    /** What an objective and the examples ask for. */
    static Together of(Objective objective, List<? extends Example> records) {
        return objective.leastBatch() < PAIRS && records.get(0) instanceof PackedBatch.Pair
                ? new Together(PAIRS, "pairs of texts")
                : of(objective);
    }

    /**
     * Makes sure that batches are large enough.
     *
     * @throws BadInputException if they are not
     */
    void requireBatch(int size) {
        if (size < least) {
            throw new BadInputException(learnt + " were to be learnt in batches of " + size
                    + ", and they are learnt by comparing those of a batch with each other. Set a batch size of at least "
                    + least + ", such as 32; several passes of a step (accumulation) do not replace it.");
        }
    }

    /**
     * Makes sure that there are examples enough to train on.
     *
     * @throws BadInputException if there are not
     */
    void requireRecords(int count) {
        if (count < least) {
            throw new BadInputException(learnt + " were to be learnt by comparing " + least
                    + " with each other, and " + count + " records to train on were given. Give at least " + least
                    + ", better hundreds.");
        }
    }

    /** How many of the records decide how many batches an epoch has: a rest that joins the batch before it does not. */
    int counted(int records, int size) {
        int rest = records % size;
        return rest < least && records > size ? records - rest : records;
    }

    /** Where a batch ends that begins at a record: a rest that would be too small for another one joins it. */
    int end(int from, int size, int records) {
        int to = (int) Math.min(records, (long) from + size);
        return records - to < least ? records : to;
    }
}
