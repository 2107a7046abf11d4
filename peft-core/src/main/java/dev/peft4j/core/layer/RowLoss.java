package dev.peft4j.core.layer;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.IntStream;

/** A loss of rows with a head in front of it, without ever holding the logits of all rows. */
public final class RowLoss {
    private static final int CHUNK_ROWS = 512; // fewer rows make the products with a large head slow
    private static final int CHUNK_BYTES = 128 << 20;

    private RowLoss() {}

    /**
     * The loss of the rows that are scored. The head runs over chunks of rows, and each chunk is derived at once: only the gradient of x is kept, and no
     * logits are computed where there is no target. A head whose rows depend on each other gets all of them at once.
     *
     * @param features what is predicted of: n rows x (n, C)
     * @param targets of the n rows
     * @param scale of the gradient: 1 / number of scored rows in the whole batch, for the mean
     * @return the sum of the losses, not scaled
     * @throws BadInputException if a class is no output of the head
     */
    public static double forward(
            Head.Features features, Targets targets, double scale, Head head, LossFunction function) {
        Call call = features.call();
        Node x = features.rows();
        Pass pass = call.pass();
        if (head.isJoint()) {
            return targets.count() == 0 ? 0 : function.forward(pass, head.logits(call, x), targets, scale);
        }
        int[] scored = scoredRows(targets, head.outputs());
        if (scored.length == 0) {
            return 0;
        }
        boolean derive = pass.isRecording();
        Tensor dx =
                derive && x.isTracked() ? pass.allocate(scored.length, x.value().cols()) : null;
        double loss = 0;
        int chunk = chunkRows(scored.length, head.outputs());
        for (int from = 0; from < scored.length; from += chunk) {
            int[] rows = Arrays.copyOfRange(scored, from, Math.min(scored.length, from + chunk));
            int mark = pass.mark();
            int frame = pass.begin();
            Tensor copy = pass.allocate(rows.length, x.value().cols());
            pass.backend().kernels().gather(rows, x.value(), copy);
            Node part = x.isTracked() ? pass.trackedNode(copy) : pass.node(copy);
            Node logits = head.logits(call.overRows(rows), part);
            loss += function.forward(pass, logits, targets.of(rows), scale);
            if (derive && logits.isTracked()) {
                pass.backwardTo(mark);
            }
            if (dx != null) {
                Tensor place = dx.rows(from, rows.length);
                if (part.hasGrad()) {
                    pass.backend().kernels().copy(part.grad(), place);
                    pass.releaseGrad(part);
                } else { // a loss to which these rows do not matter
                    pass.backend().kernels().fillRows(null, place);
                }
            }
            pass.end(frame);
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

    private static int[] scoredRows(Targets targets, int classes) {
        if (targets instanceof Targets.MixedClasses mixed) {
            scoredRows(mixed.others(), classes); // says what is wrong with them; the rows are the same
            return scoredRows(mixed.own(), classes);
        }
        if (!(targets instanceof Targets.Classes given)) {
            return IntStream.range(0, targets.count()).toArray();
        }
        int[] labels = given.classes();
        int[] rows = new int[labels.length];
        int n = 0;
        for (int i = 0; i < labels.length; i++) {
            if (labels[i] != Targets.IGNORE) {
                if (labels[i] < 0 || labels[i] >= classes) {
                    throw new BadInputException("the label " + labels[i] + " was given; there are 0 to " + (classes - 1)
                            + ", and " + Targets.IGNORE + " for what is not scored. Correct the labels.");
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
