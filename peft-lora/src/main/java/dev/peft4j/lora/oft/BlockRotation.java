package dev.peft4j.lora.oft;

import dev.peft4j.core.autograd.KeptValue;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.site.Site;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Initial;
import dev.peft4j.core.tensor.MatrixEngine;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/**
 * A trained block-diagonal R that is orthogonal (with the exact Cayley transform) or nearly so, and the product {@code x R}.
 *
 * <p>Shapes: x (T, I), blocks (I/n, n, n), parameter (blocks, n·(n-1)/2): the upper triangles of Q row by row.
 */
final class BlockRotation {
    private final Parameter triangles; // (trained blocks, n(n-1)/2)
    private final int n;
    private final int blocks; // of the layer
    private final Rotation rotation;
    private final double constraint;
    private final double moduleDropout;
    private final KeptValue kept = new KeptValue(); // R

    BlockRotation(OftConfig config, Site site, String name, Backend backend, RandomGenerator random) {
        n = config.blockSize(site);
        blocks = OftConfig.features(site) / n;
        rotation = new Rotation(n, config.neumannTerms());
        constraint = config.constraint();
        moduleDropout = config.moduleDropout();
        int trained = config.blocks(site);
        int size = n * (n - 1) / 2;
        Tensor t = Tensor.zeros(backend.dtype(), trained, size);
        if (!config.zeroStart()) {
            Initial.gaussian(t, 0.1, random);
        }
        triangles = new Parameter(site.name() + name, t, trained, size);
    }

    Parameter parameter() {
        return triangles;
    }

    /** Q of a block: the triangle above, its negative below; shortened to the constraint if there is one. */
    private double[] skew(int block) {
        double[] q = new double[n * n];
        double[] t = triangles.value().rows(block, 1).toDoubles();
        double squares = 0;
        int k = 0;
        for (int i = 0; i < n; i++) {
            for (int j = i + 1; j < n; j++) {
                double v = t[k++];
                q[i * n + j] = v;
                q[j * n + i] = -v;
                squares += 2 * v * v;
            }
        }
        double longest = constraint / Math.sqrt(triangles.value().rows());
        if (constraint > 0 && squares > longest * longest) {
            double f = longest / Math.sqrt(squares);
            for (int i = 0; i < q.length; i++) {
                q[i] *= f;
            }
        }
        return q;
    }

    /** COFT: what is longer than the constraint becomes as long as it, before it is used. */
    private void constrain() {
        for (int block = 0; block < triangles.value().rows(); block++) {
            double[] q = skew(block);
            double[] t = new double[n * (n - 1) / 2];
            int k = 0;
            for (int i = 0; i < n; i++) {
                for (int j = i + 1; j < n; j++) {
                    t[k++] = q[i * n + j];
                }
            }
            triangles.value().rows(block, 1).set(t);
        }
    }

    /** R of every trained block (trained blocks · n, n), in memory of a pass. */
    private Tensor rotations(Pass pass) {
        Tensor r = pass.allocate(triangles.value().rows() * n, n);
        rotations(r);
        return r;
    }

    private void rotations(Tensor r) { // (trained blocks · n, n)
        for (int block = 0; block < triangles.value().rows(); block++) {
            r.rows(block * n, n).set(rotation.of(skew(block)));
        }
    }

    private Tensor block(Tensor r, int k) {
        return r.rows(r.rows() == n ? 0 : k * n, n);
    }

    /** {@code out = x R}, or {@code x Rᵀ}; out is another tensor than x. */
    private void multiply(MatrixEngine m, Tensor x, Tensor r, boolean transposed, double beta, Tensor out) {
        for (int k = 0; k < blocks; k++) {
            m.gemm(false, transposed, 1, x.columns(k * n, n), block(r, k), beta, out.columns(k * n, n));
        }
    }

    /** R for a pass, and which blocks do not rotate in it. */
    private record Turn(Tensor r, boolean[] still) {}

    private Turn turn(Pass pass) {
        if (constraint > 0 && pass.isTraining()) {
            constrain();
        }
        int trained = triangles.value().rows();
        if (KeptValue.serves(pass)) {
            long version = KeptValue.version(List.of(triangles));
            return new Turn(kept.get(pass, version, () -> rotations(pass)), new boolean[trained]);
        }
        Tensor r = rotations(pass);
        boolean[] still = still(pass, trained);
        for (int block = 0; block < trained; block++) {
            if (still[block]) {
                r.rows(block * n, n).set(rotation.identity());
            }
        }
        return new Turn(r, still);
    }

    /** {@code x R} as a new node. */
    Node rotated(Pass pass, Node x) {
        Turn turn = turn(pass);
        Tensor out = pass.allocate(x.value().rows(), x.value().cols());
        multiply(pass.backend().matrices(), x.value(), turn.r, false, 0, out);
        Node y = pass.node(out);
        Node node = pass.node(triangles);
        if (pass.needsGrad(x, node)) {
            pass.record(
                    y,
                    () -> {
                        derive(pass, turn, x.value(), y.grad(), node);
                        if (x.isTracked()) { // dx = dy Rᵀ
                            double beta = pass.prepareGrad(x) ? 1 : 0;
                            multiply(pass.backend().matrices(), y.grad(), turn.r, true, beta, x.grad());
                        }
                    },
                    x.value(),
                    turn.r);
        }
        return y;
    }

    /** {@code y = y R}, in place. */
    void rotate(Pass pass, Node y) {
        Turn turn = turn(pass);
        Tensor before = pass.allocate(y.value().rows(), y.value().cols());
        pass.backend().kernels().copy(y.value(), before);
        multiply(pass.backend().matrices(), before, turn.r, false, 0, y.value());
        Node node = pass.node(triangles);
        if (pass.needsGrad(y, node)) {
            pass.record(
                    y,
                    () -> {
                        derive(pass, turn, before, y.grad(), node);
                        Tensor dy = pass.replaceGrad(y);
                        multiply(pass.backend().matrices(), dy, turn.r, true, 0, y.grad());
                    },
                    before,
                    turn.r);
        }
    }

    /** Adds the gradient of the triangles. */
    private void derive(Pass pass, Turn turn, Tensor x, Tensor dy, Node node) {
        if (!node.isTracked()) {
            return;
        }
        Tensor dr = pass.allocate(turn.r.rows(), n);
        pass.backend().kernels().fillRows(null, dr);
        for (int k = 0; k < blocks; k++) { // dR = xᵀ dy
            pass.backend().matrices().gemm(true, false, 1, x.columns(k * n, n), dy.columns(k * n, n), 1, block(dr, k));
        }
        for (int block = 0; block < turn.still.length; block++) {
            if (!turn.still[block]) {
                addTriangle(
                        node.grad().rows(block, 1),
                        rotation.backward(skew(block), dr.rows(block * n, n).toDoubles()));
            }
        }
    }

    /** An element above the diagonal is in Q twice, below with the other sign. */
    private void addTriangle(Tensor grad, double[] dq) {
        double[] sum = grad.toDoubles();
        int k = 0;
        for (int i = 0; i < n; i++) {
            for (int j = i + 1; j < n; j++) {
                sum[k++] += dq[i * n + j] - dq[j * n + i];
            }
        }
        grad.set(sum);
    }

    /** Blocks that do not rotate in this pass; a shared block always does. */
    private boolean[] still(Pass pass, int trained) {
        boolean[] still = new boolean[trained];
        int count = trained == 1 || !pass.isTraining() ? 0 : (int) (moduleDropout * trained);
        if (count > 0) {
            SplittableRandom random = new SplittableRandom(pass.nextSeed());
            while (count > 0) {
                int block = random.nextInt(trained);
                count -= still[block] ? 0 : 1;
                still[block] = true;
            }
        }
        return still;
    }

    /** Frees what is kept. */
    void free() {
        kept.close();
    }

    /** {@code M R}, or {@code M Rᵀ}, in place. */
    void mergeInto(Backend backend, Tensor matrix, boolean transposed) {
        try (Tensor r = Tensor.allocate(backend.dtype(), triangles.value().rows() * n, n);
                Tensor old = matrix.copy(matrix.dtype())) {
            rotations(r);
            multiply(backend.matrices(), old, r, transposed, 0, matrix);
        }
    }
}
