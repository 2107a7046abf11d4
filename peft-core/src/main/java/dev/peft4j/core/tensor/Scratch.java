package dev.peft4j.core.tensor;

/** Arrays that belong to a thread and are used again by every kernel; their content is never kept. */
final class Scratch {
    private static final int COUNT = 6; // 0 to 2 for kernels over rows, 3 to 5 for the functions that they call
    private static final ThreadLocal<float[][]> ARRAYS = ThreadLocal.withInitial(() -> new float[COUNT][0]);
    private static final ThreadLocal<int[][]> INTEGERS = ThreadLocal.withInitial(() -> new int[2][0]);

    private Scratch() {}

    /** An array of at least n elements. */
    static float[] array(int index, int n) {
        float[][] arrays = ARRAYS.get();
        if (arrays[index].length < n) {
            arrays[index] = new float[Math.max(n, 1024)];
        }
        return arrays[index];
    }

    /** The same of integers; there are two. */
    static int[] integers(int index, int n) {
        int[][] arrays = INTEGERS.get();
        if (arrays[index].length < n) {
            arrays[index] = new int[Math.max(n, 1024)];
        }
        return arrays[index];
    }
}
