package dev.peft4j.core.layer;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.tensor.Kernels;
import dev.peft4j.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** The losses of transformers' heads: of each row the mean over its numbers. */
public final class Losses {
    private Losses() {}

    /**
     * Cross entropy of {@link Targets.Classes}: {@code -log softmax(z)[class]}; of {@link Targets.MixedClasses} that of both by their shares, which is the one of
     * a class that is drawn with these probabilities. The gradient takes the place of the logits.
     */
    public static double crossEntropy(Pass pass, Node logits, Targets targets, double scale) {
        if (targets instanceof Targets.MixedClasses mixed) {
            return mixed(pass, logits, mixed, scale);
        }
        int[] classes = require(Targets.Classes.class, targets, "cross entropy").classes();
        double sum = pass.backend().kernels().crossEntropy(logits.value(), classes, scale);
        if (pass.isRecording() && logits.isTracked()) {
            pass.addGrad(logits, logits.value()); // the kernel left d loss/d logits in place of the logits
        }
        return sum;
    }

    private static double mixed(Pass pass, Node logits, Targets.MixedClasses targets, double scale) {
        Kernels kernels = pass.backend().kernels();
        Tensor z = logits.value();
        Tensor copy = pass.allocate(z.rows(), z.cols());
        kernels.copy(z, copy);
        double share = targets.share();
        double own = kernels.crossEntropy(z, targets.own().classes(), share * scale);
        double other = kernels.crossEntropy(copy, targets.others().classes(), (1 - share) * scale);
        if (pass.isRecording() && logits.isTracked()) {
            kernels.addScaled(1, copy, z); // softmax - share · onehot - (1 - share) · onehot of the other
            pass.addGrad(logits, z);
        }
        return share * own + (1 - share) * other;
    }

    /** Squared error of {@link Targets.Numbers}: {@code (z - t)²}. */
    public static double meanSquaredError(Pass pass, Node predicted, Targets targets, double scale) {
        Targets.Numbers t = require(Targets.Numbers.class, targets, "squared error");
        return loss(pass, predicted, t.values(), scale, pass.backend().kernels()::squaredError);
    }

    /** Binary cross entropy of {@link Targets.LabelSets}: {@code -t log σ(z) - (1 - t) log(1 - σ(z))}. */
    public static double binaryCrossEntropy(Pass pass, Node logits, Targets targets, double scale) {
        Targets.LabelSets t = require(Targets.LabelSets.class, targets, "binary cross entropy");
        return loss(pass, logits, t.values(), scale, pass.backend().kernels()::binaryCrossEntropy);
    }

    /** Cross entropies of the first and the last token of {@link Targets.RowSpans}, each over the tokens of its sequence: their mean. */
    public static double spans(Pass pass, Node logits, Targets targets, double scale) {
        return SpanLoss.forward(pass, logits, require(Targets.RowSpans.class, targets, "loss of spans"), scale);
    }

    static <T extends Targets> T require(Class<T> kind, Targets targets, String loss) {
        if (!kind.isInstance(targets)) {
            throw new BadInputException("the " + loss + " of " + targets.kind()
                    + " was asked for. Give targets of the kind that it compares.");
        }
        return kind.cast(targets);
    }

    private static double loss(Pass pass, Node predicted, float[] targets, double scale, Kernel loss) {
        Tensor z = predicted.value();
        int n = z.cols();
        if (targets.length != z.rows() * n) {
            throw new BadInputException("the loss needs " + n + " values for each of " + z.rows()
                    + " sequences or images, and has " + targets.length + " in all. Give as many with each.");
        }
        Tensor dz = pass.isRecording() && predicted.isTracked() ? pass.allocate(z.rows(), n) : null;
        double sum = loss.run(z, targets, scale, dz);
        if (dz != null) {
            pass.addGrad(predicted, dz);
        }
        return sum;
    }

    /** A loss as a kernel, see {@link dev.peft4j.core.tensor.Kernels#squaredError}. */
    private interface Kernel {
        double run(Tensor z, float[] targets, double scale, @Nullable Tensor dz);
    }
}
