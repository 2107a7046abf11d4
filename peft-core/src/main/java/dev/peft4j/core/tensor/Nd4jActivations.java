package dev.peft4j.core.tensor;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Erf;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Activations and their slopes as compositions of ND4J operations. */
final class Nd4jActivations {
    private Nd4jActivations() {}

    /** f(x). */
    static INDArray value(Activation f, INDArray x) {
        return switch (f) {
            case GELU -> erf(x.mul(Math.sqrt(0.5))).addi(1).muli(x).muli(0.5);
            case GELU_TANH ->
                Transforms.tanh(geluInner(x), true).addi(1).muli(x).muli(0.5);
            case SILU -> Transforms.sigmoid(x, true).muli(x);
            case SIGMOID -> Transforms.sigmoid(x, true);
            case TANH -> Transforms.tanh(x, true);
            case RELU -> Transforms.max(x, 0, true);
            case LEAKY_RELU -> slope(f, x).muli(x);
        };
    }

    private static INDArray erf(INDArray x) {
        return Nd4j.getExecutioner().exec(new Erf(x, Nd4j.createUninitialized(x.dataType(), x.shape())));
    }

    private static INDArray geluInner(INDArray x) {
        return x.mul(x).muli(x).muli(0.044715).addi(x).muli(Math.sqrt(2 / Math.PI));
    }

    /** f'(x). */
    static INDArray slope(Activation f, INDArray x) {
        return switch (f) {
            case GELU -> {
                INDArray cdf = erf(x.mul(Math.sqrt(0.5))).addi(1).muli(0.5);
                INDArray density = Transforms.exp(x.mul(x).muli(-0.5), true).muli(1 / Math.sqrt(2 * Math.PI));
                yield cdf.addi(density.muli(x));
            }
            case GELU_TANH -> {
                INDArray t = Transforms.tanh(geluInner(x), true);
                INDArray inner = x.mul(x).muli(3 * 0.044715).addi(1).muli(Math.sqrt(2 / Math.PI));
                yield t.mul(t).rsubi(1).muli(x).muli(inner).addi(t).addi(1).muli(0.5);
            }
            case SILU -> {
                INDArray s = Transforms.sigmoid(x, true);
                yield s.rsub(1).muli(x).addi(1).muli(s);
            }
            case SIGMOID -> {
                INDArray s = Transforms.sigmoid(x, true);
                yield s.rsub(1).muli(s);
            }
            case TANH -> {
                INDArray t = Transforms.tanh(x, true);
                yield t.mul(t).rsubi(1);
            }
            case RELU -> x.gt(0).castTo(x.dataType());
            case LEAKY_RELU -> x.gt(0).castTo(x.dataType()).muli(0.99).addi(0.01);
        };
    }
}
