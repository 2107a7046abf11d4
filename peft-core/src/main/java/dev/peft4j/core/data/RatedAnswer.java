package dev.peft4j.core.data;

import java.util.List;

/**
 * An answer to a prompt, and whether it is one that is wanted.
 *
 * @param sequence prompt and answer, whose labels are those of the answer
 * @param isGood whether it is to become more probable, or less
 */
public record RatedAnswer(PackedBatch.Sequence sequence, boolean isGood) implements Example {
    @Override
    public int length() {
        return sequence.length();
    }

    @Override
    public Targets targets() {
        return sequence.targets();
    }

    /** Packs rated answers in their order. */
    static PackedBatch pack(List<RatedAnswer> answers) {
        boolean[] good = new boolean[answers.size()];
        for (int i = 0; i < good.length; i++) {
            good[i] = answers.get(i).isGood;
        }
        return PackedBatch.of(answers.stream().map(RatedAnswer::sequence).toList())
                .rated(good);
    }
}
