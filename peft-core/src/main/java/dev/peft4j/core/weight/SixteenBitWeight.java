package dev.peft4j.core.weight;

import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.NativeBytes;
import dev.peft4j.core.tensor.Tensor;

/**
 * A weight of 16-bit numbers. The element i of a row lies in one integer with the element of the second half that is as far from its beginning: both
 * halves are then unpacked by loops over integers of 32 bits, which Java 17 vectorises, as it does no loop from 16 to 32 bits.
 */
abstract class SixteenBitWeight implements FrozenWeight {
    private static final ThreadLocal<Scratch> SCRATCH = ThreadLocal.withInitial(Scratch::new);

    private final int out;
    private final int in;
    private final int half; // integers of a row
    private final NativeBytes memory;

    /** Arrays of a thread. */
    private static final class Scratch {
        int[] packed = {};
        int[] first = {};
        int[] second = {};
        float[] floats = {};

        Scratch of(int half) {
            if (packed.length < half) {
                packed = new int[half];
                first = new int[half];
                second = new int[half];
                floats = new float[2 * half];
            }
            return this;
        }
    }

    SixteenBitWeight(int out, int in) {
        this.out = out;
        this.in = in;
        this.half = (in + 1) / 2;
        this.memory = new NativeBytes((long) out * half * Integer.BYTES);
    }

    /** The 16 bits of each number, in the lower half of the integer. */
    abstract void encode(float[] values, int from, int n, int[] bits);

    /** The bits of single precision of numbers in the lower and in the upper half of integers. */
    abstract void decode(int[] packed, int n, int[] lower, int[] upper);

    /** Makes numbers of what {@link #decode(int[], int, int[], int[])} gave, if it has to. */
    abstract void finish(float[] row, int n);

    abstract boolean finishes();

    /** Takes the elements of a matrix. */
    final void fill(Tensor dense) {
        Scratch s = SCRATCH.get().of(half);
        for (int r = 0; r < out; r++) {
            s.floats[2 * half - 1] = 0; // behind a row of odd length
            readRow(dense, r, s.floats);
            encode(s.floats, 0, half, s.first);
            encode(s.floats, half, half, s.second);
            for (int i = 0; i < half; i++) {
                s.packed[i] = s.first[i] | (s.second[i] << 16);
            }
            memory.write((long) r * half, s.packed, half);
        }
    }

    private void readRow(Tensor dense, int row, float[] to) {
        if (dense.dtype() == DType.F32) {
            dense.read(row, 0, to, 0, in);
        } else {
            for (int c = 0; c < in; c++) {
                to[c] = (float) dense.get(row, c);
            }
        }
    }

    @Override
    public final void decode(int from, Tensor to) {
        if (to.cols() != in || from < 0 || from > out - to.rows()) {
            throw new IllegalArgumentException("rows from " + from + " on were asked for as " + to
                    + ", and the weight is (" + out + ", " + in + "). Ask for rows that it has.");
        }
        Scratch s = SCRATCH.get().of(half);
        for (int r = 0; r < to.rows(); r++) {
            memory.read((long) (from + r) * half, s.packed, half);
            decode(s.packed, half, s.first, s.second);
            if (to.dtype() == DType.F32 && !finishes()) {
                to.setBits(r, 0, s.first, 0, half);
                to.setBits(r, half, s.second, 0, in - half);
                continue;
            }
            for (int i = 0; i < half; i++) {
                s.floats[i] = Float.intBitsToFloat(s.first[i]);
                s.floats[half + i] = Float.intBitsToFloat(s.second[i]);
            }
            finish(s.floats, in);
            if (to.dtype() == DType.F32) {
                to.write(r, 0, s.floats, 0, in);
            } else {
                for (int c = 0; c < in; c++) {
                    to.set(r, c, s.floats[c]);
                }
            }
        }
    }

    @Override
    public final int out() {
        return out;
    }

    @Override
    public final int in() {
        return in;
    }

    @Override
    public final long bytes() {
        return memory.size();
    }

    @Override
    public final void close() {
        memory.close();
    }
}
