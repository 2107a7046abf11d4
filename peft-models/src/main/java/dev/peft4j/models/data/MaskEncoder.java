package dev.peft4j.models.data;

import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.data.VariedSequence;
import dev.peft4j.models.TextTokenizer;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.LongFunction;
import java.util.stream.IntStream;

/**
 * Texts of which some tokens are hidden, and to be predicted: of 15 % of them, eight of ten become the mask, one another token, and one stays.
 *
 * <p>Devlin et al. 2019, <a href="https://arxiv.org/abs/1810.04805">paper</a>, section 3.1; as {@code DataCollatorForLanguageModeling} of transformers, each epoch
 * hides others, and special tokens are never hidden. At least one token is. What is evaluated follows from the text alone.
 *
 * @param tokenizer of the model
 * @param maxLength most tokens of a sequence
 */
record MaskEncoder(TextTokenizer tokenizer, int maxLength) {
    private static final double HIDDEN = 0.15;
    private static final double MASKED = 0.8;
    private static final double OTHER = 0.9;

    /** A record as a sequence to learn; without anything to predict if it has special tokens alone. */
    RecordEncoder.Made encode(TextRecord record) {
        int[] whole = tokenizer.encode(record.text(), true, maxLength + 1);
        int[] ids = tokenizer.shorten(whole, maxLength);
        int before = tokenizer.inFront();
        int count = ids.length - tokenizer.around().length;
        if (count < 1) {
            throw record.error("the record has no text, and this model learns hidden tokens of one. Take it out.");
        }
        int[] places = IntStream.range(before, before + count)
                .filter(i -> !tokenizer.isSpecial(ids[i]))
                .toArray();
        boolean isCut = whole.length > maxLength;
        if (places.length == 0) {
            int[] labels = new int[ids.length];
            Arrays.fill(labels, Targets.IGNORE);
            return RecordEncoder.Made.of(PackedBatch.Sequence.labelled(ids, labels), isCut);
        }
        Hiding hiding = new Hiding(ids, places, tokenizer.maskToken(), tokenizer.vocabularySize());
        return RecordEncoder.Made.of(new VariedSequence(hiding.apply(Arrays.hashCode(ids)), hiding), isCut);
    }

    /**
     * Hides tokens of a text by a number.
     *
     * @param ids of the text
     * @param places of those that may be hidden
     * @param mask stands for a hidden token
     * @param vocabularySize V
     */
    private record Hiding(int[] ids, int[] places, int mask, int vocabularySize)
            implements LongFunction<PackedBatch.Sequence> {
        @Override
        public PackedBatch.Sequence apply(long seed) {
            SplittableRandom random = new SplittableRandom(seed);
            int[] shown = ids.clone();
            int[] labels = new int[ids.length];
            Arrays.fill(labels, Targets.IGNORE);
            int hidden = 0;
            for (int place : places) {
                if (random.nextDouble() < HIDDEN) {
                    hide(shown, labels, place, random);
                    hidden++;
                }
            }
            if (hidden == 0) {
                hide(shown, labels, places[random.nextInt(places.length)], random);
            }
            return PackedBatch.Sequence.labelled(shown, labels);
        }

        private void hide(int[] shown, int[] labels, int at, SplittableRandom random) {
            labels[at] = ids[at];
            double what = random.nextDouble();
            shown[at] = what < MASKED ? mask : what < OTHER ? random.nextInt(vocabularySize) : ids[at];
        }
    }
}
