package dev.peft4j.core.tensor;

import java.util.function.Supplier;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.memory.conf.WorkspaceConfiguration;
import org.nd4j.linalg.api.memory.enums.LearningPolicy;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The way between tensors and ND4J arrays. Arrays are copies, on whatever device ND4J's backend works, and live in a workspace that
 * ends with the operation: nothing is left to the garbage collector and no array escapes.
 */
final class Nd4jArrays {
    private static final WorkspaceConfiguration WORKSPACE = WorkspaceConfiguration.builder()
            .initialSize(16L << 20)
            .policyLearning(LearningPolicy.OVER_TIME)
            .build();

    private Nd4jArrays() {}

    /** Runs an operation whose arrays all end with it. */
    static <T> T scoped(Supplier<T> operation) {
        try (MemoryWorkspace workspace = Nd4j.getWorkspaceManager().getAndActivateWorkspace(WORKSPACE, "peft4j")) {
            T result = operation.get();
            if (workspace.getWorkspaceConfiguration() == null) {
                throw new AssertionError("the ND4J workspace lost its configuration");
            }
            return result;
        }
    }

    static void run(Runnable operation) {
        scoped(() -> {
            operation.run();
            return Boolean.TRUE;
        });
    }

    static DataType type(DType dtype) {
        return dtype == DType.F64 ? DataType.DOUBLE : DataType.FLOAT;
    }

    /** A copy of a tensor as an array of the same dimensions. */
    static INDArray array(Tensor t) {
        INDArray array = Nd4j.createUninitialized(type(t.dtype()), t.rows(), t.cols());
        array.data().setData(t.dtype() == DType.F64 ? t.toDoubles() : widen(t.toFloats()));
        return array;
    }

    /** Values row by row as an array of the dimensions and the number format of a tensor. */
    static INDArray array(float[] values, Tensor like) {
        INDArray array = Nd4j.createUninitialized(type(like.dtype()), like.rows(), like.cols());
        array.data().setData(widen(values));
        return array;
    }

    /** Some rows of a tensor, in any order and number; copied here, because ND4J's own way does so with all threads. */
    static INDArray rows(Tensor t, int... which) {
        INDArray array = Nd4j.createUninitialized(type(t.dtype()), which.length, t.cols());
        double[] values = t.toDoubles();
        double[] chosen = new double[which.length * t.cols()];
        for (int r = 0; r < which.length; r++) {
            System.arraycopy(values, which[r] * t.cols(), chosen, r * t.cols(), t.cols());
        }
        array.data().setData(chosen);
        return array;
    }

    /**
     * A row several times below itself. ND4J's own ways to combine a matrix with a row, such as {@code muliRowVector}, end the process
     * now and then: they pass on memory that the garbage collector may already have freed (ND4J 1.0.0-M2.1).
     */
    static INDArray repeated(Tensor row, int times) {
        return rows(row, new int[times]);
    }

    private static double[] widen(float[] values) {
        double[] out = new double[values.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = values[i];
        }
        return out;
    }

    /** Copies an array of the same number of elements into a tensor. */
    static void store(INDArray array, Tensor t) {
        t.set(array.dup('c').data().asDouble());
    }

    /** Adds an array to a tensor, or copies it. */
    static void store(INDArray array, Tensor t, boolean accumulate) {
        store(accumulate ? array.add(array(t)) : array, t);
    }
}
