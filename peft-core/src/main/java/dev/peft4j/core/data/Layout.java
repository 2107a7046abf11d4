package dev.peft4j.core.data;

import dev.peft4j.core.adapter.Call;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Which rows of hidden states a model makes of a batch: those of a sequence or image follow each other.
 *
 * @param batch that was read, with the rows that adapters put in front of sequences
 * @param starts (B + 1) first rows of the sequences or images, and the number of all rows
 */
public record Layout(Batch batch, int[] starts) {
    /** A row for each token. */
    public static Layout of(PackedBatch batch) {
        int[] starts = Arrays.copyOf(batch.starts(), batch.sequences() + 1);
        starts[batch.sequences()] = batch.tokens();
        return new Layout(batch, starts);
    }

    /** One row for each image. */
    public static Layout of(ImageBatch batch) {
        int[] starts = new int[batch.size() + 1];
        Arrays.setAll(starts, i -> i);
        return new Layout(batch, starts);
    }

    /** The rows of each record. */
    public static Layout of(FeatureBatch batch) {
        int[] starts = new int[batch.size() + 1];
        for (int i = 0; i < batch.size(); i++) {
            starts[i + 1] = starts[i] + batch.records().get(i).length();
        }
        return new Layout(batch, starts);
    }

    /** Number of sequences or images B. */
    public int size() {
        return starts.length - 1;
    }

    /** Number of rows of each sequence or image (B). */
    public int[] lengths() {
        int[] lengths = new int[size()];
        Arrays.setAll(lengths, i -> starts[i + 1] - starts[i]);
        return lengths;
    }

    /** A call for layers over some of these rows; over all if there are none given. */
    public Call over(Call call, int @Nullable [] rows) {
        Call all = call.overTokens(lengths());
        return rows == null ? all : all.overRows(rows);
    }
}
