package dev.peft4j.core.tensor;

import java.util.Arrays;

/** Loops over all elements of a tensor, in operations that count as uses. */
final class Elements {
    private Elements() {}

    static void fill(Tensor t, double value) {
        float[] row = new float[t.dtype() == DType.F32 ? t.cols() : 0];
        Arrays.fill(row, (float) value);
        for (int r = 0; r < t.rows(); r++) {
            if (t.dtype() == DType.F32) {
                t.write(r, 0, row, 0, t.cols());
            } else {
                for (int c = 0; c < t.cols(); c++) {
                    t.put(r, c, value);
                }
            }
        }
    }

    static boolean areFinite(Tensor t) {
        float[] row = new float[t.cols()];
        for (int r = 0; r < t.rows(); r++) {
            if (t.dtype() == DType.F64) {
                for (int c = 0; c < t.cols(); c++) {
                    if (!Double.isFinite(t.value(r, c))) {
                        return false;
                    }
                }
                continue;
            }
            t.read(r, 0, row, 0, t.cols());
            for (float v : row) {
                if (!Float.isFinite(v)) {
                    return false;
                }
            }
        }
        return true;
    }
}
