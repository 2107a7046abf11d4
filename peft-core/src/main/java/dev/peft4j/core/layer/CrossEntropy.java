package dev.peft4j.core.layer;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.Tensor;
import java.util.Arrays;
import java.util.function.BiFunction;

/** Cross entropy with a head in front of it, without ever holding the logits of all rows. */
public final class CrossEntropy {
    private static final int CHUNK_ROWS = 512; // fewer rows make the products with a large head slow
    private static final int CHUNK_BYTES = 128 << 20;

    /** A label that is not scored. */
    public static final int IGNORE = -100;

    private CrossEntropy() {}

    /**
     * The loss of the rows that have a label. The head runs over chunks of rows, and each chunk is derived at once: only the gradient of
     * x is kept, and no logits are computed where there is no label.
     *
     * @param x (T, C)
     * @param labels of the T rows, {@link #IGNORE} where there is none
     * @param classes V, for the size of the chunks
     * @param scale of the gradient: 1 / number of scored rows in the whole batch, for the mean
     * @param head makes logits (rows, V) of rows of x
     * @return the sum of the losses, not scaled
     * @throws IllegalArgumentException if a label is no class
     */
    public static double forward(
            Call call, Node x, int[] labels, int classes, double scale, BiFunction<Call, Node, Node> head) {
        Pass pass = call.pass();
        int[] scored = scoredRows(labels, classes);
        if (scored.length == 0) {
            return 0;
        }
        boolean derive = pass.isRecording();
        Tensor dx =
                derive && x.isTracked() ? pass.allocate(scored.length, x.value().cols()) : null;
        double loss = 0;
        int chunk = chunkRows(scored.length, classes);
        for (int from = 0; from < scored.length; from += chunk) {
            int[] rows = Arrays.copyOfRange(scored, from, Math.min(scored.length, from + chunk));
            int[] targets = Arrays.stream(rows).map(r -> labels[r]).toArray();
            int mark = pass.mark();
            int frame = pass.begin();
            Tensor copy = pass.allocate(rows.length, x.value().cols());
            pass.backend().kernels().gather(rows, x.value(), copy);
            Node part = x.isTracked() ? pass.trackedNode(copy) : pass.node(copy);
            Node logits = head.apply(call.overRows(rows), part);
            double partLoss = pass.backend().kernels().crossEntropy(logits.value(), targets, scale);
            loss += partLoss;
            if (derive && logits.isTracked()) {
                pass.addGrad(logits, logits.value()); // the kernel left d loss/d logits in place of the logits
                pass.backwardTo(mark);
            }
            if (dx != null) {
                dx.rows(from, rows.length).copyFrom(part.grad());
                pass.releaseGrad(part);
            }
            pass.end(frame, x);
        }
        if (dx != null) {
            Node sum = pass.node(dx);
            pass.record(
                    sum,
                    () -> {
                        if (!pass.prepareGrad(x)) {
                            pass.backend().kernels().fillRows(null, x.grad());
                        }
                        pass.backend().kernels().scatterAdd(scored, dx, x.grad());
                    },
                    dx);
            pass.addGrad(sum, dx);
        }
        return loss;
    }

    private static int[] scoredRows(int[] labels, int classes) {
        int[] rows = new int[labels.length];
        int n = 0;
        for (int i = 0; i < labels.length; i++) {
            if (labels[i] != IGNORE) {
                if (labels[i] < 0 || labels[i] >= classes) {
                    throw new IllegalArgumentException("the label " + labels[i] + " was given; there are 0 to "
                            + (classes - 1) + ", and " + IGNORE + " for what is not scored. Correct the labels.");
                }
                rows[n++] = i;
            }
        }
        return Arrays.copyOf(rows, n);
    }

    /** Rows of one chunk: as many as fit, in chunks of like size. */
    private static int chunkRows(int rows, int classes) {
        int most = Math.max(16, Math.min(CHUNK_ROWS, CHUNK_BYTES / (4 * classes)));
        int chunks = (rows + most - 1) / most;
        return (rows + chunks - 1) / chunks;
    }
}
