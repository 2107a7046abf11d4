package dev.peft4j.core.data;

import dev.peft4j.core.error.BadInputException;
import java.util.List;
import java.util.stream.Stream;

/** What a model reads at once. */
public sealed interface Batch permits PackedBatch, ImageBatch, FeatureBatch {
    /** Number of sequences, images or other records B. */
    int size();

    /** How much there is to compute: tokens, images, or rows. */
    int length();

    /** What is to be predicted. */
    Targets targets();

    /**
     * Examples as a batch, in their order; of a {@link VariedSequence} or {@link VariedImage} what is evaluated.
     *
     * @throws BadInputException if they are not of one kind, or not of one size where that has to be
     */
    static Batch of(List<? extends Example> given) {
        boolean areMade = given.stream().anyMatch(VariedImage.class::isInstance); // from files, so on all cores
        Stream<? extends Example> all = areMade ? given.parallelStream() : given.stream();
        List<Example> examples = all.map(Batch::fixed).toList();
        boolean text = examples.stream().allMatch(PackedBatch.Sequence.class::isInstance);
        if (!examples.isEmpty() && examples.stream().allMatch(PackedBatch.Choice.class::isInstance)) {
            return PackedBatch.of(examples.stream() // the chosen answer of each in front of the rejected one
                    .map(PackedBatch.Choice.class::cast)
                    .flatMap(c -> Stream.of(c.chosen(), c.rejected()))
                    .toList());
        }
        if (!examples.isEmpty() && examples.stream().allMatch(RatedAnswer.class::isInstance)) {
            return RatedAnswer.pack(
                    examples.stream().map(RatedAnswer.class::cast).toList());
        }
        boolean pairs = examples.stream().allMatch(PackedBatch.Pair.class::isInstance);
        if (pairs && !examples.isEmpty()) {
            return PackedBatch.ofPairs(
                    examples.stream().map(PackedBatch.Pair.class::cast).toList());
        }
        if (!examples.isEmpty() && examples.stream().allMatch(FeatureBatch.Features.class::isInstance)) {
            return FeatureBatch.of(
                    examples.stream().map(FeatureBatch.Features.class::cast).toList());
        }
        boolean images = examples.stream().allMatch(ImageBatch.Image.class::isInstance);
        if (!text && !images) {
            throw new BadInputException(
                    "sequences, pairs, images and features were given for one batch. Give batches of one kind.");
        }
        return text
                ? PackedBatch.of(
                        examples.stream().map(PackedBatch.Sequence.class::cast).toList())
                : ImageBatch.of(
                        examples.stream().map(ImageBatch.Image.class::cast).toList());
    }

    /**
     * The end of a batch of about so many tokens, or images, which leaves no rest that is too small for another one.
     *
     * @param from first record of the batch
     * @param least records of a batch
     * @param length of records together that are no images; one that is longer is a batch of its own
     * @param images of a batch, all of one size
     */
    static int end(List<? extends Example> records, int from, int least, int length, int images) {
        Example first = records.get(from);
        int most = first instanceof ImageBatch.Image || first instanceof VariedImage ? images : length;
        int to = from;
        int sum = 0;
        while (to < records.size()
                && (to < from + least || sum + records.get(to).length() <= most)) {
            sum += records.get(to++).length();
        }
        return records.size() - to < least ? records.size() : to;
    }

    private static Example fixed(Example e) {
        if (e instanceof VariedImage image) {
            return image.fixed();
        }
        return e instanceof VariedSequence varied ? varied.fixed() : e;
    }
}
