package dev.peft4j.core.autograd;

import dev.peft4j.core.tensor.MatrixEngine;
import dev.peft4j.core.tensor.Tensor;

/** Products of nodes, forwards and backwards: what most adapter methods are made of. */
public final class Products {
    private Products() {}

    /** {@code y = a b}; a (M, K), b (K, N), y (M, N). */
    public static Node multiply(Pass pass, Node a, Node b) {
        Tensor out = pass.allocate(a.value().rows(), b.value().cols());
        matrices(pass).gemm(false, false, 1, a.value(), b.value(), 0, out);
        Node y = pass.node(out);
        if (pass.needsGrad(a, b)) {
            pass.record(
                    "multiply",
                    y,
                    () -> {
                        if (a.isTracked()) { // da = dy bᵀ
                            matrices(pass).gemm(false, true, 1, y.grad(), b.value(), beta(pass, a), a.grad());
                        }
                        if (b.isTracked()) { // db = aᵀ dy
                            matrices(pass).gemm(true, false, 1, a.value(), y.grad(), beta(pass, b), b.grad());
                        }
                    },
                    a.value(),
                    b.value());
        }
        return y;
    }

    /** {@code y = x Wᵀ}; x (T, I), W (O, I), y (T, O). */
    public static Node linear(Pass pass, Node x, Node w) {
        Node y = pass.node(pass.allocate(x.value().rows(), w.value().rows()));
        addLinear(pass, y, 1, x, w, 0);
        return y;
    }

    /** {@code y += s · x Wᵀ}, in place; x (T, I), W (O, I), y (T, O). */
    public static void addLinear(Pass pass, Node y, double s, Node x, Node w) {
        addLinear(pass, y, s, x, w, 1);
    }

    private static void addLinear(Pass pass, Node y, double s, Node x, Node w, double beta) {
        matrices(pass).gemm(false, true, s, x.value(), w.value(), beta, y.value());
        if (pass.needsGrad(x, w)) {
            pass.record(
                    "addLinear",
                    y,
                    () -> {
                        if (w.isTracked()) { // dW = s · dyᵀ x
                            matrices(pass).gemm(true, false, s, y.grad(), x.value(), beta(pass, w), w.grad());
                        }
                        if (x.isTracked()) { // dx = s · dy W
                            matrices(pass).gemm(false, false, s, y.grad(), w.value(), beta(pass, x), x.grad());
                        }
                    },
                    x.value(),
                    w.value());
        }
    }

    /** {@code y = a · b}, element by element. */
    public static Node elementwise(Pass pass, Node a, Node b) {
        Tensor out = pass.allocate(a.value().rows(), a.value().cols());
        pass.backend().kernels().multiply(a.value(), b.value(), out);
        Node y = pass.node(out);
        if (pass.needsGrad(a, b)) {
            pass.record(
                    "elementwise",
                    y,
                    () -> {
                        addElementwise(pass, y.grad(), b.value(), a); // da = dy · b
                        addElementwise(pass, y.grad(), a.value(), b); // db = dy · a
                    },
                    a.value(),
                    b.value());
        }
        return y;
    }

    private static void addElementwise(Pass pass, Tensor dy, Tensor factor, Node to) {
        if (!to.isTracked()) {
            return;
        }
        if (pass.prepareGrad(to)) {
            Tensor product = pass.allocate(dy.rows(), dy.cols());
            pass.backend().kernels().multiply(dy, factor, product);
            pass.backend().kernels().add(to.grad(), product, to.grad());
        } else {
            pass.backend().kernels().multiply(dy, factor, to.grad());
        }
    }

    /** {@code y = x · factors} for each column; x (T, n), factors (1, n). */
    public static Node scaleColumns(Pass pass, Node x, Node factors) {
        Tensor out = pass.allocate(x.value().rows(), x.value().cols());
        pass.backend().kernels().scaleColumns(x.value(), factors.value(), out);
        Node y = pass.node(out);
        if (pass.needsGrad(x, factors)) {
            pass.record(
                    "scaleColumns",
                    y,
                    () -> {
                        if (factors.isTracked()) { // df = Σ dy · x
                            Tensor ones = pass.allocate(1, x.value().cols());
                            pass.backend().kernels().fill(1, ones);
                            if (!pass.prepareGrad(factors)) {
                                pass.backend().kernels().fillRows(null, factors.grad());
                            }
                            pass.backend().kernels().addColumnDots(y.grad(), x.value(), ones, factors.grad());
                        }
                        if (x.isTracked()) { // dx = dy · f
                            Tensor dx =
                                    pass.allocate(x.value().rows(), x.value().cols());
                            pass.backend().kernels().scaleColumns(y.grad(), factors.value(), dx);
                            pass.addGrad(x, dx);
                        }
                    },
                    x.value(),
                    factors.value());
        }
        return y;
    }

    /** {@code y += s · x}, in place. */
    public static void addScaled(Pass pass, Node y, double s, Node x) {
        pass.backend().kernels().addScaled(s, x.value(), y.value());
        if (pass.needsGrad(x)) {
            pass.record("addScaled", y, () -> {
                if (!pass.prepareGrad(x)) {
                    pass.backend().kernels().fillRows(null, x.grad());
                }
                pass.backend().kernels().addScaled(s, y.grad(), x.grad());
            });
        }
    }

    /** Some columns of x, as a new node. */
    public static Node columns(Pass pass, Node x, int from, int count) {
        Node y = pass.node(pass.allocate(x.value().rows(), count));
        pass.backend().kernels().copy(x.value().columns(from, count), y.value());
        if (pass.needsGrad(x)) {
            pass.record("columns", y, () -> {
                if (!pass.prepareGrad(x)) {
                    pass.backend().kernels().fillRows(null, x.grad());
                }
                Tensor part = x.grad().columns(from, count);
                pass.backend().kernels().add(part, y.grad(), part);
            });
        }
        return y;
    }

    /** {@code y = a + b}, a new node. */
    public static Node sum(Pass pass, Node a, Node b) {
        Node y = pass.node(pass.allocate(a.value().rows(), a.value().cols()));
        pass.backend().kernels().add(a.value(), b.value(), y.value());
        if (pass.needsGrad(a, b)) {
            pass.record("sum", y, () -> {
                for (Node n : new Node[] {a, b}) {
                    if (n.isTracked()) {
                        pass.addGrad(n, y.grad());
                    }
                }
            });
        }
        return y;
    }

    /** {@code y = x}: overwrites y, which nothing was done to yet. */
    public static void copy(Pass pass, Node x, Node y) {
        pass.backend().kernels().copy(x.value(), y.value());
        if (pass.needsGrad(x)) {
            pass.record("copy", y, () -> {
                if (!pass.prepareGrad(x)) {
                    pass.backend().kernels().fillRows(null, x.grad());
                }
                pass.backend().kernels().add(x.grad(), y.grad(), x.grad());
            });
        }
    }

    /** {@code y += bias} for each row, in place; bias (1, n). */
    public static void addBias(Pass pass, Node y, Node bias) {
        addBias(pass, y, 1, bias);
    }

    /** {@code y += s · bias} for each row, in place; bias (1, n). */
    public static void addBias(Pass pass, Node y, double s, Node bias) {
        Tensor rows = pass.allocate(y.value().rows(), y.value().cols());
        pass.backend().kernels().fillRows(bias.value(), rows);
        pass.backend().kernels().addScaled(s, rows, y.value());
        if (pass.needsGrad(bias)) {
            pass.record("addBias", y, () -> {
                if (!pass.prepareGrad(bias)) {
                    pass.backend().kernels().fillRows(null, bias.grad());
                }
                Tensor sum = pass.allocate(1, bias.value().cols());
                pass.backend().kernels().fillRows(null, sum);
                pass.backend().kernels().addColumnSums(y.grad(), sum);
                pass.backend().kernels().addScaled(s, sum, bias.grad());
            });
        }
    }

    /** {@code y = y · factors} for each column, in place; factors (1, n). */
    public static void scaleInPlace(Pass pass, Node y, Node factors) {
        if (!pass.needsGrad(y, factors)) {
            pass.backend().kernels().scaleColumns(y.value(), factors.value(), y.value());
            return;
        }
        Tensor before = pass.allocate(y.value().rows(), y.value().cols());
        pass.backend().kernels().copy(y.value(), before);
        pass.backend().kernels().scaleColumns(y.value(), factors.value(), y.value());
        pass.record(
                "scaleInPlace",
                y,
                () -> {
                    if (factors.isTracked()) { // df = Σ dy · y
                        Tensor ones = pass.allocate(1, before.cols());
                        pass.backend().kernels().fill(1, ones);
                        if (!pass.prepareGrad(factors)) {
                            pass.backend().kernels().fillRows(null, factors.grad());
                        }
                        pass.backend().kernels().addColumnDots(y.grad(), before, ones, factors.grad());
                    }
                    Tensor old = pass.replaceGrad(y);
                    pass.backend().kernels().scaleColumns(old, factors.value(), y.grad());
                },
                before,
                factors.value());
    }

    /** Kronecker product: every element of a times all of b; a (l, m), b (k, n), y (l·k, m·n). */
    public static Node kronecker(Pass pass, Node a, Node b) {
        Tensor out = pass.allocate(
                a.value().rows() * b.value().rows(),
                a.value().cols() * b.value().cols());
        pass.backend().kernels().fillRows(null, out);
        double[] factors = a.value().toDoubles();
        forEachBlock(a.value(), b.value(), out, (i, block) -> pass.backend()
                .kernels()
                .addScaled(factors[i], b.value(), block));
        Node y = pass.node(out);
        if (pass.needsGrad(a, b)) {
            pass.record(
                    "kronecker",
                    y,
                    () -> {
                        Tensor da = pass.allocate(a.value().rows(), a.value().cols());
                        Tensor db = pass.allocate(b.value().rows(), b.value().cols());
                        pass.backend().kernels().fillRows(null, db);
                        double[] dots = new double[factors.length];
                        forEachBlock(a.value(), b.value(), y.grad(), (i, block) -> {
                            dots[i] = pass.backend().kernels().dot(block, b.value()); // da[i] = Σ dy[i] · b
                            pass.backend().kernels().addScaled(factors[i], block, db); // db = Σ a[i] dy[i]
                        });
                        da.set(dots);
                        if (a.isTracked()) {
                            pass.addGrad(a, da);
                        }
                        if (b.isTracked()) {
                            pass.addGrad(b, db);
                        }
                    },
                    a.value(),
                    b.value());
        }
        return y;
    }

    /** What is done with the block that belongs to an element of a, counted row by row. */
    private interface BlockAction {
        void run(int i, Tensor block);
    }

    private static void forEachBlock(Tensor a, Tensor b, Tensor product, BlockAction action) {
        for (int i = 0; i < a.rows(); i++) {
            Tensor rows = product.rows(i * b.rows(), b.rows());
            for (int j = 0; j < a.cols(); j++) {
                action.run(i * a.cols() + j, rows.columns(j * b.cols(), b.cols()));
            }
        }
    }

    /** A copy of x in which elements are dropped with probability p while training; x itself otherwise. */
    public static Node dropped(Pass pass, double p, Node x) {
        if (p <= 0 || !pass.isTraining()) {
            return x;
        }
        long seed = pass.nextSeed();
        Tensor out = pass.allocate(x.value().rows(), x.value().cols());
        pass.backend().kernels().dropout(p, seed, x.value(), out);
        Node y = pass.node(out);
        if (pass.needsGrad(x)) {
            pass.record("dropped", y, () -> {
                Tensor dx = pass.allocate(x.value().rows(), x.value().cols());
                pass.backend().kernels().dropout(p, seed, y.grad(), dx);
                pass.addGrad(x, dx);
            });
        }
        return y;
    }

    private static MatrixEngine matrices(Pass pass) {
        return pass.backend().matrices();
    }

    private static double beta(Pass pass, Node node) {
        return pass.prepareGrad(node) ? 1 : 0;
    }
}
