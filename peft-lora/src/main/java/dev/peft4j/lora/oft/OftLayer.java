package dev.peft4j.lora.oft;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.LinearSite;
import dev.peft4j.core.adapter.LinearUpdate;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Initial;
import dev.peft4j.core.tensor.MatrixEngine;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/**
 * Orthogonal fine-tuning: {@code y = (x R) Wᵀ + b} with a block-diagonal R that is orthogonal (with the exact Cayley transform) or nearly so.
 *
 * <p>Qiu et al. 2023, <a href="https://arxiv.org/abs/2306.07280">paper</a>, section 3; rotating the input instead of the weight is Qiu et al. 2025
 * (OFTv2), <a href="https://arxiv.org/abs/2506.19847">paper</a>, section 4.
 *
 * <p>Shapes: x (T, I), blocks (I/n, n, n), parameter (blocks, n·(n-1)/2): the upper triangles of Q row by row. Cost: I·(n-1)/2 parameters.
 */
final class OftLayer implements LinearUpdate {
    private final Parameter triangles; // (trained blocks, n(n-1)/2)
    private final int n;
    private final int blocks; // of the layer
    private final Rotation rotation;
    private final double constraint;
    private final double moduleDropout;

    OftLayer(OftConfig config, LinearSite site, Backend backend, RandomGenerator random) {
        n = config.blockSize(site);
        blocks = site.in() / n;
        rotation = new Rotation(n, config.neumannTerms());
        constraint = config.constraint();
        moduleDropout = config.moduleDropout();
        int trained = config.blocks(site);
        int size = n * (n - 1) / 2;
        Tensor t = Tensor.zeros(backend.dtype(), trained, size);
        if (!config.zeroStart()) {
            Initial.gaussian(t, 0.1, random);
        }
        triangles = new Parameter(site.name() + ".oft_R.weight", t, trained, size);
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(triangles);
    }

    @Override
    public boolean changesInput() {
        return true;
    }

    /** Q of a block: the triangle above, its negative below; shortened to the constraint if there is one. */
    private double[] skew(int block) {
        double[] q = new double[n * n];
        Tensor t = triangles.value();
        double squares = 0;
        int k = 0;
        for (int i = 0; i < n; i++) {
            for (int j = i + 1; j < n; j++) {
                double v = t.get(block, k++);
                q[i * n + j] = v;
                q[j * n + i] = -v;
                squares += 2 * v * v;
            }
        }
        double longest = constraint / Math.sqrt(t.rows());
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
            int k = 0;
            for (int i = 0; i < n; i++) {
                for (int j = i + 1; j < n; j++) {
                    triangles.value().set(block, k++, q[i * n + j]);
                }
            }
        }
    }

    /** R of every trained block (trained blocks · n, n). */
    private void rotations(Tensor r) {
        for (int block = 0; block < triangles.value().rows(); block++) {
            r.rows(block * n, n).set(rotation.of(skew(block)));
        }
    }

    @Override
    public Node input(Call call, Node x) {
        Pass pass = call.pass();
        if (constraint > 0 && pass.isTraining()) {
            constrain();
        }
        int trained = triangles.value().rows();
        Tensor r = pass.allocate(trained * n, n);
        rotations(r);
        boolean[] still = still(pass, trained);
        for (int block = 0; block < trained; block++) {
            if (still[block]) {
                Tensor identity = r.rows(block * n, n);
                identity.fill(0);
                for (int i = 0; i < n; i++) {
                    identity.set(i, i, 1);
                }
            }
        }
        Tensor out = pass.allocate(x.value().rows(), x.value().cols());
        MatrixEngine m = pass.backend().matrices();
        for (int k = 0; k < blocks; k++) {
            m.gemm(false, false, 1, x.value().columns(k * n, n), block(r, k), 0, out.columns(k * n, n));
        }
        Node y = pass.node(out);
        Node node = pass.node(triangles);
        if (pass.needsGrad(x, node)) {
            pass.record(y, () -> backward(pass, x, y, node, r, still), x.value(), r);
        }
        return y;
    }

    private Tensor block(Tensor r, int k) {
        return r.rows(r.rows() == n ? 0 : k * n, n);
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

    private void backward(Pass pass, Node x, Node y, Node node, Tensor r, boolean[] still) {
        MatrixEngine m = pass.backend().matrices();
        if (node.isTracked()) {
            Tensor dr = pass.allocate(r.rows(), n);
            pass.backend().kernels().fillRows(null, dr);
            for (int k = 0; k < blocks; k++) { // dR = xᵀ dy
                m.gemm(true, false, 1, x.value().columns(k * n, n), y.grad().columns(k * n, n), 1, block(dr, k));
            }
            for (int block = 0; block < still.length; block++) {
                if (!still[block]) {
                    addTriangle(
                            node.grad(),
                            block,
                            rotation.backward(skew(block), dr.rows(block * n, n).toDoubles()));
                }
            }
        }
        if (x.isTracked()) { // dx = dy Rᵀ
            double beta = pass.prepareGrad(x) ? 1 : 0;
            for (int k = 0; k < blocks; k++) {
                m.gemm(
                        false,
                        true,
                        1,
                        y.grad().columns(k * n, n),
                        block(r, k),
                        beta,
                        x.grad().columns(k * n, n));
            }
        }
    }

    /** An element above the diagonal is in Q twice, below with the other sign. */
    private void addTriangle(Tensor grad, int block, double[] dq) {
        int k = 0;
        for (int i = 0; i < n; i++) {
            for (int j = i + 1; j < n; j++) {
                grad.set(block, k, grad.get(block, k) + dq[i * n + j] - dq[j * n + i]);
                k++;
            }
        }
    }

    /** {@code W Rᵀ}, in place. */
    @Override
    public void mergeInto(Backend backend, Tensor weight) {
        try (Tensor r = Tensor.allocate(backend.dtype(), triangles.value().rows() * n, n);
                Tensor old = Tensor.allocate(backend.dtype(), weight.rows(), n)) {
            rotations(r);
            for (int k = 0; k < blocks; k++) {
                Tensor columns = weight.columns(k * n, n);
                old.copyFrom(columns);
                backend.matrices().gemm(false, true, 1, old, block(r, k), 0, columns);
            }
        }
    }

    @Override
    public void forward(Call call, Node x, Node y) {
        // all of it happens to the input
    }
}
