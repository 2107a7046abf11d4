package dev.peft4j.core.weight;

import dev.peft4j.core.tensor.NativeBytes;
import dev.peft4j.core.tensor.RowTarget;
import dev.peft4j.core.tensor.Tensor;
import java.util.Arrays;

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
    static final class Scratch {
        int[] packed = {};
        int[] first = {};
        int[] second = {};

        /** Those of this thread, of at least so many integers. */
        static Scratch of(int count) {
            Scratch s = SCRATCH.get();
            if (s.packed.length < count) {
                s.packed = new int[count];
                s.first = new int[count];
                s.second = new int[count];
            }
            return s;
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

    /** What the numbers have to be multiplied with afterwards. */
    abstract float factor();

    /** Takes the elements of a matrix. */
    final void fill(Tensor dense) {
        Scratch s = Scratch.of(half);
        for (int r = 0; r < out; r++) {
            float[] row =
                    Arrays.copyOf(dense.rows(r, 1).toFloats(), 2 * half); // with a zero behind a row of odd length
            encode(row, 0, half, s.first);
            encode(row, half, half, s.second);
            for (int i = 0; i < half; i++) {
                s.packed[i] = s.first[i] | (s.second[i] << 16);
            }
            memory.write((long) r * half, s.packed, half);
        }
    }

    @Override
    public final void decodeRow(int row, RowTarget to) {
        Scratch s = Scratch.of(half);
        memory.read((long) row * half, s.packed, half);
        decode(s.packed, half, s.first, s.second);
        to.putBits(0, s.first, half);
        to.putBits(half, s.second, in - half);
        if (factor() != 1) {
            to.scale(factor(), in);
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
