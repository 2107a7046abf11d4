package dev.peft4j.models.data;

import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.models.TextTokenizer;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Texts of which some tokens are hidden, and to be predicted: of 15 % of them, eight of ten become the mask, one another token, and one stays.
 *
 * <p>Devlin et al. 2019, <a href="https://arxiv.org/abs/1810.04805">paper</a>, section 3.1. What is hidden of a text follows from the text, and is the same in all epochs.
 *
 * @param tokenizer of the model
 * @param maxLength most tokens of a sequence
 */
record MaskEncoder(TextTokenizer tokenizer, int maxLength) {
    private static final double HIDDEN = 0.15;
    private static final double MASKED = 0.8;
    private static final double OTHER = 0.9;

    /** A record as a sequence to learn; at least one token is hidden. */
    PackedBatch.Sequence sequence(TextRecord record) {
        int[] ids = tokenizer.encode(record.text(), true, maxLength);
        int mask = tokenizer.maskToken();
        int before = tokenizer.inFront();
        int count = ids.length - tokenizer.around().length;
        if (count < 1) {
            throw record.error("the record has no text, and this model learns hidden tokens of one. Take it out.");
        }
        SplittableRandom random = new SplittableRandom(Arrays.hashCode(ids));
        int[] labels = new int[ids.length];
        Arrays.fill(labels, Targets.IGNORE);
        int hidden = 0;
        for (int i = before; i < before + count; i++) {
            if (random.nextDouble() < HIDDEN) {
                hide(ids, labels, i, mask, random);
                hidden++;
            }
        }
        if (hidden == 0) {
            hide(ids, labels, before + random.nextInt(count), mask, random);
        }
        return PackedBatch.Sequence.labelled(ids, labels);
    }

    private void hide(int[] ids, int[] labels, int at, int mask, SplittableRandom random) {
        labels[at] = ids[at];
        double what = random.nextDouble();
        ids[at] = what < MASKED ? mask : what < OTHER ? random.nextInt(tokenizer.vocabularySize()) : ids[at];
    }
}
