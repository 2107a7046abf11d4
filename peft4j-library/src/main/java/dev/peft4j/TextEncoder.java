package dev.peft4j;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.models.TextTokenizer;
import dev.peft4j.models.hub.HubPath;
import dev.peft4j.run.ExampleReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Gives vectors of texts, of which those of like texts are near to each other. Any number of threads may use one. Whoever opened it, or got it from a
 * {@link FineTuned} or {@link TextModel}, closes it. Texts that are longer than the context of the model are cut, or than {@code max_seq_length} of a checkpoint of the
 * library sentence-transformers.
 */
public final class TextEncoder implements AutoCloseable {
    private static final String DONE = "turned into vectors";

    private final TextTokenizer tokenizer;
    private final ExampleReader reader;
    private final int maxLength;

    TextEncoder(Base base, Function<Pass, Call> calls, int rowsInFront, Runnable onClose) {
        this.tokenizer = base.tokenizer();
        this.reader = new ExampleReader(base.model(), calls, false, onClose);
        this.maxLength = Math.min(base.model().usualLength(), base.model().contextLength() - rowsInFront);
    }

    /**
     * Opens a base, and an adapter that was trained with pairs of texts.
     *
     * @param adapter null for none
     * @throws dev.peft4j.core.error.BadFileException if a directory holds no such thing, or the adapter is for another base
     */
    public static TextEncoder open(Path base, @Nullable Path adapter) throws IOException {
        return Views.open(base, TaskType.FEATURE_EXTRACTION, TaskType.FEATURE_EXTRACTION, adapter)
                .encoder();
    }

    /**
     * The same by names: of a directory, or of a repository of a hub, {@code hub:org/name} or {@code hub:org/name@revision}, which is downloaded ({@link HubPath}).
     *
     * @param adapter null for none
     * @throws IOException as above, or if the hub does not have it or cannot be reached
     */
    public static TextEncoder open(String base, @Nullable String adapter) throws IOException {
        return open(HubPath.of(base), Views.path(adapter));
    }

    /**
     * The vector of a text, with as many numbers as the model has columns: of length 1, unless the checkpoint is one of the library sentence-transformers that does not
     * normalise.
     *
     * @throws WrongUseException if it is closed
     */
    public float[] encode(String text) {
        return encode(List.of(text)).get(0);
    }

    /** The vectors of texts, in their order; many at once are faster than one after the other. */
    public List<float[]> encode(List<String> texts) {
        reader.requireOpen(DONE);
        List<PackedBatch.Sequence> ids = new ArrayList<>();
        for (String text : texts) {
            StoppedException.ifInterrupted(() -> texts.size() + " texts were to be turned into vectors");
            ids.add(PackedBatch.Sequence.of(tokenizer.encode(text, true, maxLength)));
        }
        return reader.outputs(ids, DONE).stream().map(rows -> floats(rows[0])).toList();
    }

    private static float[] floats(double[] row) {
        float[] v = new float[row.length];
        for (int i = 0; i < v.length; i++) {
            v[i] = (float) row[i];
        }
        return v;
    }

    /**
     * The cosine of the angle between two vectors, from -1 to 1.
     *
     * @throws BadInputException if they have different lengths
     */
    public static double similarity(float[] a, float[] b) {
        if (a.length != b.length) {
            throw new BadInputException("vectors of " + a.length + " and " + b.length
                    + " numbers were to be compared. Give vectors of one model.");
        }
        double dot = 0;
        double squaresA = 0;
        double squaresB = 0;
        for (int i = 0; i < a.length; i++) {
            dot += (double) a[i] * b[i];
            squaresA += (double) a[i] * a[i];
            squaresB += (double) b[i] * b[i];
        }
        return dot / Math.max(1e-12, Math.sqrt(squaresA * squaresB));
    }

    /**
     * The numbers of the vectors that are nearest to one, the nearest first.
     *
     * @param most how many; all of them if there are fewer
     * @throws BadInputException if fewer than one are asked for, or vectors have different lengths
     */
    public static List<Integer> nearest(float[] query, List<float[]> vectors, int most) {
        if (most < 1) {
            throw new BadInputException("the " + most + " nearest of " + vectors.size()
                    + " vectors were asked for; it is at least 1. Change the number.");
        }
        double[] similarities =
                vectors.stream().mapToDouble(v -> similarity(query, v)).toArray();
        return IntStream.range(0, similarities.length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> -similarities[i]))
                .limit(most)
                .toList();
    }

    /** Frees the working memory, and the model if it was opened with it. */
    @Override
    public void close() {
        reader.close();
    }
}
