package dev.peft4j.run;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Function;

/** Runs a model over texts, in batches. Any number of threads may use one. */
public final class TextReader implements AutoCloseable {
    private static final int BATCH_TOKENS = 2048;

    private final Model model;
    private final Function<Pass, Call> calls;
    private final boolean ofTokens;
    private final Runnable onClose;
    private final ConcurrentLinkedQueue<Arena> arenas = new ConcurrentLinkedQueue<>(); // that no thread uses now
    private volatile boolean closed;

    /**
     * Of a model and its adapters.
     *
     * @param ofTokens whether the head predicts something of each token, and not of each text
     * @param onClose what closing it does
     */
    public TextReader(Model model, Function<Pass, Call> calls, boolean ofTokens, Runnable onClose) {
        this.model = model;
        this.calls = calls;
        this.ofTokens = ofTokens;
        this.onClose = onClose;
    }

    /**
     * What the head says of each text: a row of outputs, or a row for each of its tokens.
     *
     * @param what was asked, for messages
     * @throws WrongUseException if it is closed
     * @throws StoppedException if the thread is interrupted
     */
    public List<double[][]> outputs(List<PackedBatch.Sequence> texts, String what) {
        requireOpen(what);
        List<double[][]> all = new ArrayList<>();
        Arena free = arenas.poll();
        Arena arena = free != null ? free : new Arena(model.backend().dtype());
        try {
            while (all.size() < texts.size()) {
                StoppedException.ifInterrupted(
                        () -> texts.size() + " texts were to be " + what + ", " + all.size() + " have been");
                int from = all.size();
                int to = from;
                int tokens = 0;
                while (to < texts.size()
                        && (to == from || tokens + texts.get(to).length() <= BATCH_TOKENS)) {
                    tokens += texts.get(to++).length();
                }
                all.addAll(outputs(PackedBatch.of(texts.subList(from, to)), arena));
            }
        } finally {
            giveBack(arena);
        }
        return all;
    }

    private List<double[][]> outputs(PackedBatch batch, Arena arena) {
        List<double[][]> all = new ArrayList<>();
        try (Pass pass = Pass.inference(model.backend(), arena)) {
            Call call = calls.apply(pass);
            Tensor logits = model.logits(call, batch).value();
            PackedBatch longer = batch.withRowsOf(call);
            for (int s = 0; s < batch.sequences(); s++) {
                int inFront = longer.length(s) - batch.length(s); // rows that adapters put there
                int first = ofTokens ? longer.start(s) + inFront : s;
                double[][] rows = new double[ofTokens ? batch.length(s) : 1][];
                for (int r = 0; r < rows.length; r++) {
                    rows[r] = logits.rows(first + r, 1).toDoubles();
                }
                all.add(rows);
            }
        }
        return all;
    }

    /**
     * Makes sure that it is open.
     *
     * @param what was asked, for messages
     * @throws WrongUseException if it is closed
     */
    public void requireOpen(String what) {
        if (closed) {
            throw new WrongUseException(
                    "texts were to be " + what + " by a model that is closed. Close it when nothing uses it any more.");
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
