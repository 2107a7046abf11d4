package dev.peft4j.core.weight;

import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Bf16;
import dev.peft4j.core.tensor.Bf16Engine;
import dev.peft4j.core.tensor.MatrixEngine;
import dev.peft4j.core.tensor.NativeBytes;
import dev.peft4j.core.tensor.RowTarget;
import dev.peft4j.core.tensor.Tensor;
import java.util.Objects;

/**
 * A weight in bfloat16 for a backend with products of 16 bits, which read it in place: its numbers lie one after another, an even number of them in a row.
 * What else is read of it, such as the vectors of tokens, is widened row by row.
 */
final class Bf16Operand implements FrozenWeight {
    private final int out;
    private final int in;
    private final int pairs; // of a row
    private final NativeBytes memory;

    /**
     * Rounds a matrix.
     *
     * @param dense (O, I), of finite numbers; stays the caller's
     */
    Bf16Operand(Tensor dense) {
        this.out = dense.rows();
        this.in = dense.cols();
        this.pairs = (in + 1) / 2;
        this.memory = new NativeBytes((long) out * pairs * Integer.BYTES);
        int[] bits = new int[2 * pairs];
        int[] packed = new int[pairs];
        float[] row = new float[in];
        for (int r = 0; r < out; r++) {
            dense.rows(r, 1).copyTo(row);
            for (int i = 0; i < in; i++) {
                bits[i] = Float.floatToRawIntBits(row[i]);
            }
            Bf16.pack(bits, in, packed);
            memory.write((long) r * pairs, packed, pairs);
        }
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
        return memory.size();
    }

    @Override
    public void decodeRow(int row, RowTarget to) {
        SixteenBitWeight.Scratch s = SixteenBitWeight.Scratch.of(2 * pairs);
        memory.read((long) row * pairs, s.packed, pairs);
        Bf16.unpack(s.packed, pairs, s.first);
        to.putBits(0, s.first, in);
    }

    @Override
    public MatrixEngine products(Backend backend) {
        return Objects.requireNonNullElse(backend.matrices().bf16(), backend.matrices());
    }

    @Override
    public void multiply(Pass pass, Tensor x, double beta, Tensor y) {
        Bf16Engine engine = pass.backend().matrices().bf16();
        if (engine == null) {
            FrozenWeight.super.multiply(pass, x, beta, y);
        } else {
            engine.gemm(x, true, memory, beta, y);
        }
    }

    @Override
    public void multiplyTransposed(Pass pass, Tensor dy, double beta, Tensor dx) {
        Bf16Engine engine = pass.backend().matrices().bf16();
        if (engine == null) {
            FrozenWeight.super.multiplyTransposed(pass, dy, beta, dx);
        } else {
            engine.gemm(dy, false, memory, beta, dx);
        }
    }

    @Override
    public void close() {
        memory.close();
    }
}
