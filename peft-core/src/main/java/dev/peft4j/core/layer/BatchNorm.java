package dev.peft4j.core.layer;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.NonFiniteException;
import dev.peft4j.core.tensor.Activation;
import dev.peft4j.core.tensor.ImageKernels;
import dev.peft4j.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Batch norm: {@code y = (x - mean) / √(variance + eps) · weight + bias} for each channel (Ioffe and Szegedy 2015, <a
 * href="https://arxiv.org/abs/1502.03167">paper</a>, algorithms 1 and 2). Mean and variance are the running ones of the checkpoint. In a training pass with an
 * adapter that {@link Adapter#takesBatchStatistics}, they are those of the images of the batch that have the adapter, and its running ones move towards them.
 *
 * @param name of the module in the checkpoint
 * @param weight (1, C)
 * @param bias (1, C)
 * @param mean (1, C), running
 * @param variance (1, C), running
 * @param eps added to the variance
 * @param momentum share of the batch in the running statistics behind it
 */
public record BatchNorm(
        String name, Tensor weight, Tensor bias, Tensor mean, Tensor variance, double eps, double momentum) {

    /** The same pixels with channels that are normalised. */
    public FeatureMap forward(Call call, FeatureMap x) {
        return forward(call, x, false, false);
    }

    /**
     * The same behind a layer whose result nobody else reads, and with what follows.
     *
     * @param x may be overwritten
     * @param activation of the result, or null for none
     */
    public FeatureMap behind(Call call, FeatureMap x, @Nullable Activation activation) {
        Pass pass = call.pass();
        boolean isRectified = activation == Activation.RELU && !pass.isTapped();
        boolean isFree = !pass.isTapped() && !x.pixels().value().isHeld() && !call.any(this::acts);
        FeatureMap y = forward(call, x, isRectified, isFree);
        return activation == null || isRectified ? y : y.with(Functions.activation(pass, activation, y.pixels()));
    }

    private FeatureMap forward(Call call, FeatureMap x, boolean isRectified, boolean inPlace) {
        Pass pass = call.pass();
        Tensor given = x.pixels().value();
        Node y = pass.node(inPlace ? given : pass.allocate(given.rows(), given.cols()));
        for (Call part : x.over(call).partsIf(this::acts)) {
            normalise(part, isRectified, part.rows(x.pixels()), part.rows(y));
        }
        pass.tell(name, x.pixels(), y);
        return x.with(y);
    }

    private boolean acts(Adapter adapter) {
        return adapter.takesBatchStatistics(name)
                || adapter.replacement(name + ".weight") != null
                || adapter.replacement(name + ".bias") != null
                || adapter.replacement(name + ".running_mean") != null
                || adapter.replacement(name + ".running_var") != null;
    }

    private void normalise(Call call, boolean isRectified, Node x, Node y) {
        Pass pass = call.pass();
        ImageKernels images = pass.backend().kernels().images();
        Node w = call.vector(name + ".weight", weight);
        Node b = call.vector(name + ".bias", bias);
        boolean ofBatch = pass.isTraining() && call.any(a -> a.takesBatchStatistics(name));
        Tensor m = ofBatch
                ? pass.allocate(1, x.value().cols())
                : call.vector(name + ".running_mean", mean).value();
        Tensor v = ofBatch
                ? pass.allocate(1, x.value().cols())
                : call.vector(name + ".running_var", variance).value();
        if (ofBatch) {
            images.columnMoments(x.value(), m, v);
            requireSample(x.value().rows());
            if (pass.isRecording()) { // a pass that looks for the first value that is not finite moves nothing
                keep(call, x.value().rows(), m, v);
            }
        }
        images.columnNorm(x.value(), m, v, eps, w.value(), b.value(), isRectified, y.value());
        if (pass.needsGrad(x, w, b)) {
            boolean readsInput = ofBatch || w.isTracked();
            List<Tensor> saved = new ArrayList<>(List.of(m, v));
            if (readsInput) {
                saved.add(x.value());
            }
            if (isRectified) {
                saved.add(y.value());
            }
            pass.record(
                    y,
                    () -> {
                        if (isRectified) {
                            Functions.rectifyGrad(pass, y);
                        }
                        boolean add = x.isTracked() && pass.prepareGrad(x);
                        images.columnNormBackward(
                                y.grad(),
                                x.value(),
                                m,
                                v,
                                eps,
                                w.value(),
                                ofBatch,
                                x.isTracked() ? x.grad() : null,
                                add,
                                w.isTracked() ? w.grad() : null,
                                b.isTracked() ? b.grad() : null);
                    },
                    saved.toArray(Tensor[]::new));
        }
    }

    private void requireSample(int rows) {
        if (rows < 2) {
            throw new BadInputException(
                    name + " was to take statistics of a batch, which has one pixel there. Give more"
                            + " images, or keep the running statistics.");
        }
    }

    /** {@code running = (1 - momentum) · running + momentum · batch}, with the variance of a sample; both have to be finite. */
    private void keep(Call call, int rows, Tensor m, Tensor v) {
        if (!m.isFinite() || !v.isFinite()) {
            throw new NonFiniteException("the statistics of a batch at " + name);
        }
        for (Adapter adapter : call.adapters()) {
            if (adapter.takesBatchStatistics(name)) {
                double share = adapter.statisticsMomentum(momentum);
                move(call.pass(), adapter.replacement(name + ".running_mean"), share, 1, m);
                move(call.pass(), adapter.replacement(name + ".running_var"), share, rows / (rows - 1.0), v);
            }
        }
    }

    private static void move(Pass pass, @Nullable Parameter running, double share, double factor, Tensor batch) {
        if (running != null) {
            pass.backend().kernels().scale(1 - share, running.value());
            pass.backend().kernels().addScaled(share * factor, batch, running.value());
        }
    }
}
