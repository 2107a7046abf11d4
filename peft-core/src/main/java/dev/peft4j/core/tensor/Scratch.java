package dev.peft4j.core.tensor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;

/** Arrays that belong to a thread and are used again by every kernel; their content is never kept. */
final class Scratch {
    private static final int COUNT =
            7; // 0 to 2 for kernels over rows, 3 to 5 for the functions that they call, 6 for masks
    private static final int BITS = 1024; // that become others at once
    private static final ThreadLocal<Scratch> OWN = ThreadLocal.withInitial(Scratch::new);

    private final float[][] arrays = new float[COUNT][0];
    private final int[][] integers = new int[2][0];
    private final IntBuffer bits;
    private final FloatBuffer values; // of the same bytes

    private Scratch() {
        ByteBuffer bytes = ByteBuffer.allocateDirect(BITS * Float.BYTES).order(ByteOrder.nativeOrder());
        bits = bytes.asIntBuffer();
        values = bytes.asFloatBuffer();
    }

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

    /** Row r of dy where that of x is greater than 0, else 0: by whole numbers, since a choice between two floats is not vectorised on Java 17. */
    static void readWherePositive(Tensor x, Tensor dy, int r, float[] to, int n) {
        int[] chosen = ints(0, n);
        int[] kept = ints(1, n);
        x.readBits(r, 0, chosen, n);
        dy.readBits(r, 0, kept, n);
        for (int i = 0; i < n; i++) {
            kept[i] &= (~chosen[i] & -chosen[i]) >> 31; // all bits for a sign that is not set and others that are
        }
        floats(kept, to, 0, n);
    }

    /** {@code to[at + i] = Float.intBitsToFloat(from[i])}, by way of memory, since such a loop is not vectorised on Java 17. */
    static void floats(int[] from, float[] to, int at, int n) {
        Scratch own = OWN.get();
        for (int i = 0; i < n; i += BITS) {
            int count = Math.min(BITS, n - i);
            own.bits.put(0, from, i, count);
            own.values.get(0, to, at + i, count);
        }
    }
}
