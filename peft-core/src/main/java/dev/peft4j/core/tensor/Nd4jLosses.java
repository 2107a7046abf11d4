package dev.peft4j.core.tensor;

import static dev.peft4j.core.tensor.Nd4jArrays.array;
import static dev.peft4j.core.tensor.Nd4jArrays.scoped;
import static dev.peft4j.core.tensor.Nd4jArrays.store;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Losses and their derivatives by ND4J operations. */
final class Nd4jLosses {
    private Nd4jLosses() {}

    static double crossEntropy(Tensor logits, int[] labels, double scale) {
        return scoped(() -> {
            INDArray x = array(logits);
            INDArray e = Transforms.exp(x.subColumnVector(x.max(true, 1)), false);
            INDArray p = e.diviColumnVector(e.sum(true, 1));
            double loss = 0;
            for (int r = 0; r < labels.length; r++) {
                loss -= Math.log(p.getDouble(r, labels[r]));
                p.putScalar(r, labels[r], p.getDouble(r, labels[r]) - 1);
            }
            store(p.muli(scale), logits);
            return loss;
        });
    }

    static double squaredError(Tensor z, float[] targets, double scale, @Nullable Tensor dz) {
        return scoped(() -> {
            INDArray difference = array(z).subi(array(targets, z));
            if (dz != null) {
                store(difference.mul(2 * scale / z.cols()), dz);
            }
            return difference.muli(difference).sumNumber().doubleValue() / z.cols();
        });
    }

    static double binaryCrossEntropy(Tensor z, float[] targets, double scale, @Nullable Tensor dz) {
        return scoped(() -> {
            INDArray t = array(targets, z);
            INDArray x = array(z);
            if (dz != null) {
                store(Transforms.sigmoid(x, true).subi(t).muli(scale / z.cols()), dz);
            }
            INDArray rest = Transforms.log(
                    Transforms.exp(Transforms.abs(x).negi(), false).addi(1), false);
            INDArray loss =
                    Transforms.max(x, 0, true).subi(x.mul(t)).addi(rest); // max(z, 0) - z t + log(1 + exp(-|z|))
            return loss.sumNumber().doubleValue() / z.cols();
        });
    }
}
