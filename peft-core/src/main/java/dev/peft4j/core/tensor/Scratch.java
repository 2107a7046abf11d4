package dev.peft4j.core.tensor;

/** Arrays that belong to a thread and are used again by every kernel; their content is never kept. */
final class Scratch {
    private static final int COUNT =
            7; // 0 to 2 for kernels over rows, 3 to 5 for the functions that they call, 6 for masks
    private static final ThreadLocal<Scratch> OWN = ThreadLocal.withInitial(Scratch::new);

    private final float[][] arrays = new float[COUNT][0];
    private final int[][] integers = new int[2][0];

    private Scratch() {}

    /** An array of at least n elements. */
    static float[] array(int index, int n) {
        float[][] arrays = OWN.get().arrays;
        if (arrays[index].length < n) {
            arrays[index] = new float[Math.max(n, 1024)];
        }
        return arrays[index];
    }

    /** An array of at least n integers. */
    static int[] ints(int n) {
        return ints(0, n);
    }

    /** One of two of them. */
    static int[] ints(int index, int n) {
        int[][] integers = OWN.get().integers;
        if (integers[index].length < n) {
            integers[index] = new int[Math.max(n, 1024)];
        }
        return integers[index];
    }
}
