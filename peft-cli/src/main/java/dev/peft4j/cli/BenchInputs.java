package dev.peft4j.cli;

import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.Targets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What the benchmarks read. The p-th token of a case has the id {@code (p · 7919 + 13) mod V}, for BERT {@code 1000 + (p · 7919 + 13) mod 20000}; the label of
 * the i-th sequence is {@code i mod 2}. The p-th value of the images of a case is {@code (p · 7919 + 13) mod 1021 / 510 - 1}, the label of the i-th image {@code i mod
 * classes}.
 */
final class BenchInputs {
    private static final int SST2_MEAN = 11; // tokens beside the two special ones
    private static final double GOLDEN_RATIO = 0.6180339887498949;
    private static final int BERT_IDS = 20000;
    private static final int BERT_FIRST = 1000;
    private static final int LEVELS = 1021; // of pixels, a prime number
    private static final double HALF = 510;
    private static final int COLORS = 3;

    private BenchInputs() {}

    /** Lengths that fall off as those of phrases do, the same in each run. */
    static List<Integer> usualLengths(int count) {
        return IntStream.range(0, count)
                .map(i -> 3 + (int) (-SST2_MEAN * Math.log(1 - (i + 1) * GOLDEN_RATIO % 1)))
                .boxed()
                .toList();
    }

    /** The first tokens of a language model. */
    static int[] ids(int first, int count, int vocabulary) {
        return ids(first, count, vocabulary, 0);
    }

    private static int[] ids(int first, int count, int modulus, int offset) {
        int[] ids = new int[count];
        Arrays.setAll(ids, i -> (int) (offset + ((first + i) * 7919L + 13) % modulus));
        return ids;
    }

    /** Sequences of one length, every token of which is to be predicted. */
    static PackedBatch texts(int sequences, int length, int vocabulary) {
        List<PackedBatch.Sequence> all = new ArrayList<>();
        for (int s = 0; s < sequences; s++) {
            int[] ids = ids(s * length, length, vocabulary);
            all.add(PackedBatch.Sequence.labelled(ids, ids));
        }
        return PackedBatch.of(all);
    }

    /** Sequences of BERT of one length, without labels. */
    static PackedBatch sentences(int sequences, int length) {
        return PackedBatch.of(IntStream.range(0, sequences)
                .mapToObj(s -> ids(s * length, length, BERT_IDS, BERT_FIRST))
                .toArray(int[][]::new));
    }

    /** Square images, channel by channel, with a class each. */
    static ImageBatch images(int count, int side, int classes) {
        int values = COLORS * side * side;
        return ImageBatch.of(IntStream.range(0, count)
                .mapToObj(i -> {
                    float[] pixels = new float[values];
                    int[] levels = ids(i * values, values, LEVELS);
                    for (int p = 0; p < values; p++) {
                        pixels[p] = (float) (levels[p] / HALF - 1);
                    }
                    return new ImageBatch.Image(
                            pixels, COLORS, side, side, new Targets.Classes(new int[] {i % classes}));
                })
                .toList());
    }

    /** Batches of sequences of two classes, which take their lengths in order. */
    static List<PackedBatch> classified(int batches, int sequences, List<Integer> lengths) {
        List<PackedBatch> all = new ArrayList<>();
        int token = 0;
        for (int b = 0; b < batches; b++) {
            List<PackedBatch.Sequence> batch = new ArrayList<>();
            for (int i = b * sequences; i < (b + 1) * sequences; i++) {
                int n = lengths.get(i);
                batch.add(PackedBatch.Sequence.classified(ids(token, n, BERT_IDS, BERT_FIRST), i % 2));
                token += n;
            }
            all.add(PackedBatch.of(batch));
        }
        return all;
    }
}
