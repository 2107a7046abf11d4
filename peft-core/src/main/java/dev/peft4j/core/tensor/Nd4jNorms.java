package dev.peft4j.core.tensor;

import static dev.peft4j.core.tensor.Nd4jArrays.array;
import static dev.peft4j.core.tensor.Nd4jArrays.repeated;
import static dev.peft4j.core.tensor.Nd4jArrays.run;
import static dev.peft4j.core.tensor.Nd4jArrays.store;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Norms of rows and their derivatives as compositions of ND4J operations. */
final class Nd4jNorms {
    private Nd4jNorms() {}

    static void layerNorm(Tensor x, Tensor weight, Tensor bias, double eps, Tensor y, Tensor stats) {
        run(() -> {
            INDArray in = array(x);
            INDArray mean = in.mean(true, 1);
            INDArray centred = in.subColumnVector(mean);
            INDArray rstd = Transforms.pow(centred.mul(centred).mean(true, 1).addi(eps), -0.5);
            INDArray hat = centred.mulColumnVector(rstd);
            store(hat.muli(repeated(weight, x.rows())).addi(repeated(bias, x.rows())), y);
            store(Nd4j.hstack(mean, rstd), stats);
        });
    }

    static void layerNormBackward(
            Tensor dy,
            Tensor x,
            Tensor weight,
            Tensor stats,
            @Nullable Tensor dx,
            boolean accumulate,
            @Nullable Tensor dWeight,
            @Nullable Tensor dBias) {
        run(() -> {
            INDArray saved = array(stats);
            INDArray rstd = saved.getColumn(1, true).dup();
            INDArray hat =
                    array(x).subColumnVector(saved.getColumn(0, true).dup()).muliColumnVector(rstd);
            INDArray g = array(dy);
            if (dWeight != null) {
                store(g.mul(hat).sum(true, 0), dWeight, true);
            }
            if (dBias != null) {
                store(g.sum(true, 0), dBias, true);
            }
            if (dx != null) {
                INDArray dHat = g.mul(repeated(weight, x.rows()));
                INDArray inner = dHat.mul(hat).mean(true, 1);
                INDArray out = dHat.subColumnVector(dHat.mean(true, 1)).subi(hat.mulColumnVector(inner));
                store(out.muliColumnVector(rstd), dx, accumulate);
            }
        });
    }

    static void rmsNorm(Tensor x, Tensor weight, double eps, Tensor y, Tensor stats) {
        run(() -> {
            INDArray in = array(x);
            INDArray rstd = Transforms.pow(in.mul(in).mean(true, 1).addi(eps), -0.5);
            store(in.mulColumnVector(rstd).muli(repeated(weight, x.rows())), y);
            store(rstd, stats);
        });
    }

    static void rmsNormBackward(
            Tensor dy,
            Tensor x,
            Tensor weight,
            Tensor stats,
            @Nullable Tensor dx,
            boolean accumulate,
            @Nullable Tensor dWeight) {
        run(() -> {
            INDArray rstd = array(stats);
            INDArray hat = array(x).muliColumnVector(rstd);
            INDArray g = array(dy);
            if (dWeight != null) {
                store(g.mul(hat).sum(true, 0), dWeight, true);
            }
            if (dx != null) {
                INDArray dHat = g.mul(repeated(weight, x.rows()));
                INDArray inner = dHat.mul(hat).mean(true, 1);
                store(dHat.sub(hat.mulColumnVector(inner)).muliColumnVector(rstd), dx, accumulate);
            }
        });
    }
}
