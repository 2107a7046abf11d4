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

    /** Sets all elements, row by row. */
    static void set(Tensor t, float[] values) {
        int cols = t.cols();
        if (t.dtype() == DType.F32) {
            for (int r = 0; r < t.rows(); r++) {
                t.write(r, 0, values, r * cols, cols);
            }
        } else {
            for (int i = 0; i < values.length; i++) {
                t.put(i / cols, i % cols, values[i]);
            }
        }
    }

    /** Sets all elements, row by row. */
    static void set(Tensor t, double[] values) {
        int cols = t.cols();
        if (t.dtype() == DType.F32 && cols > 1) {
            float[] row = new float[cols];
            for (int r = 0; r < t.rows(); r++) {
                for (int c = 0; c < cols; c++) {
                    row[c] = (float) values[r * cols + c];
                }
                t.write(r, 0, row, 0, cols);
            }
            return;
        }
        for (int i = 0; i < values.length; i++) {
            t.put(i / cols, i % cols, values[i]);
        }
    }

    /** All elements, row by row, rounded to single precision. */
    static float[] floats(Tensor t) {
        float[] out = new float[Math.toIntExact(t.size())];
        copy(t, out);
        return out;
    }

    /** All elements into an array, row by row. */
    static void copy(Tensor t, float[] out) {
        int cols = t.cols();
        if (t.dtype() == DType.F32) {
            for (int r = 0; r < t.rows(); r++) {
                t.read(r, 0, out, r * cols, cols);
            }
        } else {
            for (int i = 0; i < out.length; i++) {
                out[i] = (float) t.value(i / cols, i % cols);
            }
        }
    }

    /** All elements, row by row. */
    static double[] doubles(Tensor t) {
        double[] out = new double[Math.toIntExact(t.size())];
        for (int i = 0; i < out.length; i++) {
            out[i] = t.value(i / t.cols(), i % t.cols());
        }
        return out;
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
