package dev.peft4j.tests;

import dev.peft4j.core.tensor.NativeBytes;
import dev.peft4j.core.tensor.RowTarget;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.FrozenWeight;

/** A weight that stores its rows as bytes, {@code W[r, c] = scale[r] · byte[r, c]}: what a module that quantizes has to write. */
final class ByteWeight implements FrozenWeight {
    private static final int LARGEST = 127;

    private final int out;
    private final int in;
    private final float[] scales;
    private final NativeBytes memory;

    private ByteWeight(int out, int in) {
        this.out = out;
        this.in = in;
        this.scales = new float[out];
        this.memory = new NativeBytes((long) out * in);
    }

    /** Rounds a matrix, which is closed. */
    static FrozenWeight keep(Tensor dense, String inFile) {
        try (dense) {
            ByteWeight w = new ByteWeight(dense.rows(), dense.cols());
            byte[] row = new byte[w.in];
            for (int r = 0; r < w.out; r++) {
                double most = 0;
                for (int c = 0; c < w.in; c++) {
                    most = Math.max(most, Math.abs(dense.get(r, c)));
                }
                w.scales[r] = most == 0 ? 1 : (float) (most / LARGEST);
                for (int c = 0; c < w.in; c++) {
                    row[c] = (byte) Math.rint(dense.get(r, c) / w.scales[r]);
                }
                w.memory.write((long) r * w.in, row, w.in);
            }
            return w;
        }
    }

    @Override
    public void decodeRow(int row, RowTarget to) {
        byte[] stored = new byte[in];
        memory.read((long) row * in, stored, in);
        float[] values = new float[in];
        for (int c = 0; c < in; c++) {
            values[c] = scales[row] * stored[c];
        }
        to.put(0, values, in);
    }

    @Override
    public int out() {
        return out;
    }

    @Override
    public int in() {
        return in;
    }

    @Override
    public long bytes() {
        return memory.size() + (long) Float.BYTES * out;
    }

    @Override
    public void close() {
        memory.close();
    }
}
