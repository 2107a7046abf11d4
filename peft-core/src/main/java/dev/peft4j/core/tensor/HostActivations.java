package dev.peft4j.core.tensor;

import org.jspecify.annotations.Nullable;

/** Activations and the gate of SwiGLU, row by row. */
final class HostActivations {
    private final HostRows rows;

    HostActivations(HostRows rows) {
        this.rows = rows;
    }

    void forward(Activation f, Tensor x, Tensor y) {
        int count = HostRows.together(x, y);
        forwardRows(f, HostRows.joined(x, count), HostRows.joined(y, count));
    }

    private void forwardRows(Activation f, Tensor x, Tensor y) {
        int n = x.cols();
        rows.run(x, (r, a, b, c) -> {
            x.read(r, 0, a, 0, n);
            FastMath.forward(f, a, b, n);
            y.write(r, 0, b, 0, n);
        });
    }

    void backward(Activation f, Tensor dy, Tensor x, Tensor dx, boolean accumulate) {
        int count = HostRows.together(x, dy, dx);
        backwardRows(f, HostRows.joined(dy, count), HostRows.joined(x, count), HostRows.joined(dx, count), accumulate);
    }

    private void backwardRows(Activation f, Tensor dy, Tensor x, Tensor dx, boolean accumulate) {
        int n = x.cols();
        if (f == Activation.RELU) {
            rows.run(x, (r, a, b, c) -> {
                Scratch.readWherePositive(x, dy, r, a, n);
                HostRows.writeOrAdd(dx, r, a, c, n, accumulate);
            });
            return;
        }
        rows.run(x, (r, a, b, c) -> {
            x.read(r, 0, a, 0, n);
            dy.read(r, 0, b, 0, n);
            FastMath.backward(f, b, a, b, n);
            HostRows.writeOrAdd(dx, r, b, c, n, accumulate);
        });
    }

    void swiGlu(Tensor gate, Tensor up, Tensor y) {
        int n = y.cols();
        rows.run(y, (r, a, b, c) -> {
            gate.read(r, 0, a, 0, n);
            up.read(r, 0, b, 0, n);
            FastMath.forward(Activation.SILU, a, c, n);
            for (int i = 0; i < n; i++) {
                a[i] = c[i] * b[i];
            }
            y.write(r, 0, a, 0, n);
        });
    }

    void swiGluBackward(
            Tensor dy,
            Tensor gate,
            Tensor up,
            @Nullable Tensor dGate,
            boolean accumulateGate,
            @Nullable Tensor dUp,
            boolean accumulateUp) {
        int n = dy.cols();
        rows.run(dy, (r, a, b, c) -> {
            float[] g = Scratch.array(5, n);
            gate.read(r, 0, a, 0, n);
            dy.read(r, 0, b, 0, n);
            if (dUp != null) {
                FastMath.forward(Activation.SILU, a, g, n);
                for (int i = 0; i < n; i++) {
                    g[i] *= b[i]; // dup = dy · silu(gate)
                }
                HostRows.writeOrAdd(dUp, r, g, c, n, accumulateUp);
            }
            if (dGate != null) {
                up.read(r, 0, c, 0, n);
                for (int i = 0; i < n; i++) {
                    b[i] *= c[i];
                }
                FastMath.backward(Activation.SILU, b, a, b, n); // dgate = dy · up · silu'(gate)
                HostRows.writeOrAdd(dGate, r, b, c, n, accumulateGate);
            }
        });
    }
}
