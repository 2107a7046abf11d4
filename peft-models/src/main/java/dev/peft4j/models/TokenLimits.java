package dev.peft4j.models;

import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.RatedAnswer;
import dev.peft4j.core.data.VariedSequence;
import dev.peft4j.core.error.BadInputException;

/**
 * What a batch of a model may have.
 *
 * @param modelType for messages
 * @param contextLength most tokens of a sequence
 * @param vocabularySize V
 */
record TokenLimits(String modelType, int contextLength, int vocabularySize) {

    PackedBatch tokens(Batch batch) {
        if (batch instanceof PackedBatch tokens) {
            return tokens;
        }
        throw new BadInputException(
                "images were given; this " + modelType + " model reads tokens. Use a model of images.");
    }

    /** Refuses tokens that the model does not have, and segments. */
    void check(PackedBatch batch, int segments) {
        requireBelow("token id", batch.ids(), vocabularySize, "Encode texts with the tokenizer of this model.");
        requireBelow("token type", batch.tokenTypes(), segments, "Give 0 where the model has no segments.");
    }

    private void requireBelow(String what, int[] values, int limit, String remedy) {
        for (int v : values) {
            if (v < 0 || v >= limit) {
                throw new BadInputException("the " + what + " " + v + " was given; this " + modelType
                        + " model has 0 to " + (limit - 1) + ". " + remedy);
            }
        }
    }

    /** Refuses positions that the model does not have. */
    int[] check(int[] positions) {
        for (int p : positions) {
            if (p >= contextLength) {
                throw new BadInputException("a sequence of more than " + contextLength
                        + " tokens was given, the context length of this model. Cut it.");
            }
        }
        return positions;
    }

    /** Refuses an example that is no text or has no room beside the rows that adapters put in front. */
    void requireFits(String name, Example example, int rowsInFront) {
        if (example instanceof PackedBatch.Pair pair) {
            requireFits(name, pair.anchor(), rowsInFront);
            requireFits(name, pair.positive(), rowsInFront);
            return;
        }
        if (example instanceof PackedBatch.Choice choice) {
            requireFits(name, choice.chosen(), rowsInFront);
            requireFits(name, choice.rejected(), rowsInFront);
            return;
        }
        if (example instanceof RatedAnswer rated) {
            requireFits(name, rated.sequence(), rowsInFront);
            return;
        }
        if (!(example instanceof PackedBatch.Sequence || example instanceof VariedSequence)) {
            throw new BadInputException(
                    name + " is an image; this " + modelType + " model reads tokens. Use a model of images.");
        }
        int most = contextLength - rowsInFront;
        if (example.length() > most) {
            throw new BadInputException(
                    name + " has " + example.length() + " tokens; the context of this model has " + contextLength
                            + ", of which adapters take " + rowsInFront + ". Cut records to " + most + " tokens.");
        }
    }
}
