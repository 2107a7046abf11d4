package dev.peft4j.core.tensor;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Products by ND4J, in any number format and on any backend. */
final class Nd4jMatrixEngine implements MatrixEngine {
    static final NativeLibrary ND4J =
            new NativeLibrary("org.nd4j:nd4j-native", "org/nd4j/linalg/cpu/nativecpu/bindings", 320, Nd4j::getBackend);

    @Override
    public void gemm(boolean transposeA, boolean transposeB, double alpha, Tensor a, Tensor b, double beta, Tensor c) {
        if (c.size() == 0) {
            return;
        }
        Nd4jArrays.run(() -> {
            INDArray x = Nd4jArrays.array(a);
            INDArray y = Nd4jArrays.array(b);
            INDArray product = (transposeA ? x.transpose() : x)
                    .mmul(transposeB ? y.transpose() : y)
                    .muli(alpha);
            Nd4jArrays.store(
                    beta == 0 ? product : product.addi(Nd4jArrays.array(c).muli(beta)), c);
        });
    }
}
