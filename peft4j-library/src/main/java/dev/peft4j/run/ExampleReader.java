package dev.peft4j.run;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Function;

/** Runs a model over texts or images, in batches. Any number of threads may use one. */
public final class ExampleReader implements AutoCloseable {
    private static final int BATCH_TOKENS = 2048;
    private static final int BATCH_IMAGES = 16;

    private final Model model;
    private final Function<Pass, Call> calls;
    private final boolean ofTokens;
    private final Runnable onClose;
    private final ConcurrentLinkedQueue<Arena> arenas = new ConcurrentLinkedQueue<>(); // that no thread uses now
    private volatile boolean closed;

    /**
     * Of a model and its adapters.
     *
     * @param ofTokens whether the head predicts something of each token, and not of each text or image
     * @param onClose what closing it does
     */
    public ExampleReader(Model model, Function<Pass, Call> calls, boolean ofTokens, Runnable onClose) {
        this.model = model;
        this.calls = calls;
        this.ofTokens = ofTokens;
        this.onClose = onClose;
    }

    /**
     * What the head says of each text or image: a row of outputs, or a row for each of its tokens.
     *
     * @param what was asked, for messages
     * @throws WrongUseException if it is closed
     * @throws StoppedException if the thread is interrupted
     */
    public List<double[][]> outputs(List<? extends Example> examples, String what) {
        requireOpen(what);
        List<double[][]> all = new ArrayList<>();
        Arena free = arenas.poll();
        Arena arena = free != null ? free : new Arena(model.backend().dtype());
        int most = model.taskType() == TaskType.IMAGE_CLS ? BATCH_IMAGES : BATCH_TOKENS;
        try {
            while (all.size() < examples.size()) {
                StoppedException.ifInterrupted(() ->
                        examples.size() + named(" texts") + " were to be " + what + ", " + all.size() + " have been");
                int from = all.size();
                int to = from;
                int length = 0;
                while (to < examples.size()
                        && (to == from || length + examples.get(to).length() <= most)) {
                    length += examples.get(to++).length();
                }
                all.addAll(outputs(Batch.of(examples.subList(from, to)), arena));
            }
        } finally {
            giveBack(arena);
        }
        return all;
    }

    private String named(String texts) {
        return model.taskType() == TaskType.IMAGE_CLS ? texts.replace("texts", "images") : texts;
    }

    private List<double[][]> outputs(Batch batch, Arena arena) {
        List<double[][]> all = new ArrayList<>();
        try (Pass pass = Pass.inference(model.backend(), arena)) {
            Call call = calls.apply(pass);
            Tensor logits = model.logits(call, batch).value();
            if (ofTokens && batch instanceof PackedBatch texts) {
                PackedBatch longer = texts.withRowsOf(call);
                for (int s = 0; s < texts.sequences(); s++) {
                    int inFront = longer.length(s) - texts.length(s); // rows that adapters put there
                    all.add(rows(logits, longer.start(s) + inFront, texts.length(s)));
                }
                return all;
            }
            for (int s = 0; s < batch.size(); s++) {
                all.add(rows(logits, s, 1));
            }
        }
        return all;
    }

    private static double[][] rows(Tensor logits, int first, int count) {
        double[][] rows = new double[count][];
        Arrays.setAll(rows, r -> logits.rows(first + r, 1).toDoubles());
        return rows;
    }

    /**
     * Makes sure that it is open.
     *
     * @param what was asked, for messages
     * @throws WrongUseException if it is closed
     */
    public void requireOpen(String what) {
        if (closed) {
            throw new WrongUseException(named("texts") + " were to be " + what
                    + " by a model that is closed. Close it when nothing uses it any more.");
        }
    }

    private void giveBack(Arena arena) {
        arenas.add(arena);
        if (closed) {
            freeArenas();
        }
    }

    private void freeArenas() {
        for (Arena arena = arenas.poll(); arena != null; arena = arenas.poll()) {
            arena.close();
        }
    }

    /** Frees the working memory, and the model if it was opened with it. */
    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            freeArenas();
            onClose.run();
        }
    }
}
