package dev.peft4j.core.layer;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.layer.Attention.Slice;
import dev.peft4j.core.tensor.Activation;
import dev.peft4j.core.tensor.Kernels;
import dev.peft4j.core.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Operations without parameters, forwards and backwards. */
public final class Functions {
    private static final double SHORTEST = 1e-12;

    private Functions() {}

    /** {@code y = f(x)}. */
    public static Node activation(Pass pass, Activation f, Node x) {
        Tensor out = pass.allocate(x.value().rows(), x.value().cols());
        pass.backend().kernels().activation(f, x.value(), out);
        Node y = pass.node(out);
        if (pass.needsGrad(x)) {
            pass.record(
                    y,
                    () -> {
                        boolean add = pass.prepareGrad(x);
                        pass.backend().kernels().activationBackward(f, y.grad(), x.value(), x.grad(), add);
                    },
                    x.value());
        }
        return y;
    }

    /** Gated activation {@code silu(gate) · up} (Shazeer 2020, <a href="https://arxiv.org/abs/2002.05202">paper</a>, equation 6). */
    public static Node swiGlu(Pass pass, Node gate, Node up) {
        Tensor out = pass.allocate(gate.value().rows(), gate.value().cols());
        pass.backend().kernels().swiGlu(gate.value(), up.value(), out);
        Node y = pass.node(out);
        if (pass.needsGrad(gate, up)) {
            pass.record(
                    y,
                    () -> {
                        boolean addGate = gate.isTracked() && pass.prepareGrad(gate);
                        boolean addUp = up.isTracked() && pass.prepareGrad(up);
                        pass.backend()
                                .kernels()
                                .swiGluBackward(
                                        y.grad(),
                                        gate.value(),
                                        up.value(),
                                        gate.isTracked() ? gate.grad() : null,
                                        addGate,
                                        up.isTracked() ? up.grad() : null,
                                        addUp);
                    },
                    gate.value(),
                    up.value());
        }
        return y;
    }

    /** Residual connection {@code y += x}, in place; returns y. */
    public static Node add(Pass pass, Node y, Node x) {
        pass.backend().kernels().add(y.value(), x.value(), y.value());
        if (pass.needsGrad(x)) {
            pass.record(y, () -> pass.addGrad(x, y.grad()));
        }
        return y;
    }

    /** {@code max(0, y + x)}; y, which nobody reads any more, is overwritten. */
    public static Node addRectified(Pass pass, Node y, Node x) {
        if (y.value().isHeld()) {
            return activation(pass, Activation.RELU, add(pass, y, x));
        }
        pass.backend().kernels().images().addRectified(y.value(), x.value(), y.value());
        Node sum = pass.node(y.value());
        if (pass.needsGrad(y, x)) {
            pass.record(
                    sum,
                    () -> {
                        rectifyGrad(pass, sum);
                        for (Node n : new Node[] {y, x}) {
                            if (n.isTracked()) {
                                pass.addGrad(n, sum.grad());
                            }
                        }
                    },
                    sum.value());
        }
        return sum;
    }

    /** The derivative of {@code y = max(0, x)}, in the place of the gradient of y: what y has cut off has none. */
    static void rectifyGrad(Pass pass, Node y) {
        Tensor old = pass.replaceGrad(y);
        pass.backend().kernels().activationBackward(Activation.RELU, old, y.value(), y.grad(), false);
    }

    /** {@code y += x} in columns of y from one on, in place: x (T, n), y (T, N) with N at least {@code from + n}; returns y. */
    public static Node addToColumns(Pass pass, Node y, int from, Node x) {
        int n = x.value().cols();
        Tensor part = y.value().columns(from, n);
        pass.backend().kernels().add(part, x.value(), part);
        if (pass.needsGrad(x)) {
            pass.record(y, () -> pass.addGrad(x, y.grad().columns(from, n)));
        }
        return y;
    }

    /** Drops elements with probability p while training, in place; returns y. */
    public static Node dropout(Pass pass, double p, Node y) {
        if (p <= 0 || !pass.isTraining()) {
            return y;
        }
        long seed = pass.nextSeed();
        pass.backend().kernels().dropout(p, seed, y.value(), y.value());
        if (pass.needsGrad(y)) {
            pass.record(y, () -> {
                Tensor old = pass.replaceGrad(y);
                pass.backend().kernels().dropout(p, seed, old, y.grad());
            });
        }
        return y;
    }

    /** {@code y = factor · y}, in place; returns y. */
    public static Node scale(Pass pass, double factor, Node y) {
        pass.backend().kernels().scale(factor, y.value());
        if (pass.needsGrad(y)) {
            pass.record(y, () -> {
                pass.prepareGrad(y);
                pass.backend().kernels().scale(factor, y.grad());
            });
        }
        return y;
    }

    /** {@code cap · tanh(x / cap)}; x itself if there is no cap. */
    public static Node softCap(Pass pass, double cap, Node x) {
        return cap == 0 ? x : scale(pass, cap, activation(pass, Activation.TANH, scale(pass, 1 / cap, x)));
    }

    /** The rows of x with these numbers, as a new matrix. */
    public static Node rows(Pass pass, Node x, int[] rows) {
        Tensor out = pass.allocate(rows.length, x.value().cols());
        pass.backend().kernels().gather(rows, x.value(), out);
        Node y = pass.node(out);
        if (pass.needsGrad(x)) {
            pass.record(y, () -> {
                if (!pass.prepareGrad(x)) {
                    pass.backend().kernels().fillRows(null, x.grad());
                }
                pass.backend().kernels().scatterAdd(rows, y.grad(), x.grad());
            });
        }
        return y;
    }

    /**
     * The mean of the rows of each sequence.
     *
     * @param x (T, n)
     * @param starts (B + 1), first rows of the sequences, and T; each has at least one row
     * @return (B, n)
     */
    public static Node means(Pass pass, Node x, int[] starts) {
        Kernels kernels = pass.backend().kernels();
        Tensor out = pass.allocate(starts.length - 1, x.value().cols());
        kernels.fillRows(null, out);
        for (int s = 0; s < starts.length - 1; s++) {
            int n = starts[s + 1] - starts[s];
            kernels.addColumnSums(x.value().rows(starts[s], n), out.rows(s, 1));
            kernels.scale(1.0 / n, out.rows(s, 1));
        }
        Node y = pass.node(out);
        if (pass.needsGrad(x)) {
            pass.record(y, () -> {
                zeroIfFresh(pass, x);
                for (int s = 0; s < starts.length - 1; s++) {
                    int n = starts[s + 1] - starts[s];
                    Tensor each = pass.allocate(n, x.value().cols());
                    kernels.fillRows(y.grad().rows(s, 1), each);
                    kernels.addScaled(1.0 / n, each, x.grad().rows(starts[s], n));
                }
            });
        }
        return y;
    }

    /** Rows of length 1: {@code y = x / max(‖x‖₂, 10⁻¹²)} for each row, as PyTorch's {@code normalize}. */
    public static Node normalise(Pass pass, Node x) {
        Kernels kernels = pass.backend().kernels();
        Tensor factors = pass.allocate(1, x.value().rows());
        kernels.fillRows(null, factors);
        kernels.addRowDots(1, x.value(), x.value(), factors);
        double[] each = factors.toDoubles();
        Arrays.setAll(each, r -> 1 / Math.max(Math.sqrt(each[r]), SHORTEST));
        factors.set(each);
        Tensor out = pass.allocate(x.value().rows(), x.value().cols());
        kernels.scaleRows(x.value(), factors, out);
        Node y = pass.node(out);
        if (pass.needsGrad(x)) {
            pass.record(
                    y,
                    () -> { // dx = (dy - y (y · dy)) / ‖x‖
                        Tensor dots = pass.allocate(1, x.value().rows());
                        kernels.fillRows(null, dots);
                        kernels.addRowDots(1, y.value(), y.grad(), dots);
                        Tensor dx = pass.allocate(x.value().rows(), x.value().cols());
                        kernels.scaleRows(y.value(), dots, dx);
                        kernels.scale(-1, dx);
                        kernels.add(dx, y.grad(), dx);
                        kernels.scaleRows(dx, factors, dx);
                        pass.addGrad(x, dx);
                    },
                    y.value(),
                    factors);
        }
        return y;
    }

    /**
     * Puts rows in front of sequences.
     *
     * @param lengths of the B sequences in x
     * @param rows (P, n) for each sequence, or null for none
     * @param x (T, n)
     * @return (T + all P, n)
     */
    public static Node prepend(Pass pass, int[] lengths, List<@Nullable Node> rows, Slice x) {
        int total = x.value().rows();
        for (Node r : rows) {
            total += r == null ? 0 : r.value().rows();
        }
        Tensor out = pass.allocate(total, x.value().cols());
        int from = 0;
        int to = 0;
        boolean derive = pass.needsGrad(x.node());
        for (int i = 0; i < lengths.length; i++) {
            Node r = rows.get(i);
            if (r != null) {
                pass.backend().kernels().copy(r.value(), out.rows(to, r.value().rows()));
                to += r.value().rows();
                derive |= pass.needsGrad(r);
            }
            pass.backend().kernels().copy(x.value().rows(from, lengths[i]), out.rows(to, lengths[i]));
            from += lengths[i];
            to += lengths[i];
        }
        Node y = pass.node(out);
        if (derive) {
            pass.record(y, () -> prependBackward(pass, lengths, rows, x, y.grad()));
        }
        return y;
    }

    private static void prependBackward(Pass pass, int[] lengths, List<@Nullable Node> rows, Slice x, Tensor dy) {
        zeroIfFresh(pass, x.node());
        int source = 0;
        int target = 0;
        for (int i = 0; i < lengths.length; i++) {
            Node r = rows.get(i);
            if (r != null) {
                int p = r.value().rows();
                if (r.isTracked()) {
                    zeroIfFresh(pass, r);
                    pass.backend().kernels().addScaled(1, dy.rows(source, p), r.grad());
                }
                source += p;
            }
            if (x.node().isTracked()) {
                Tensor part = x.node().grad().columns(x.from(), x.count()).rows(target, lengths[i]);
                pass.backend().kernels().add(part, dy.rows(source, lengths[i]), part);
            }
            source += lengths[i];
            target += lengths[i];
        }
    }

    private static void zeroIfFresh(Pass pass, Node node) {
        if (node.isTracked() && !pass.prepareGrad(node)) {
            pass.backend().kernels().fillRows(null, node.grad());
        }
    }
}
