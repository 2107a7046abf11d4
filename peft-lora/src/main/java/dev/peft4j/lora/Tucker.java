package dev.peft4j.lora;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.MatrixEngine;
import dev.peft4j.core.tensor.Tensor;

/**
 * The change of the weight of a convolution out of a small kernel: {@code ΔW[o, i] = Σ a[p, o] t[p, q] b[q, i]} for each pixel of the kernel, the Tucker
 * decomposition of LyCORIS (Yeh et al. 2023, <a href="https://arxiv.org/abs/2309.14859">paper</a>, appendix; {@code use_effective_conv2d} of PEFT).
 */
public final class Tucker {
    private Tucker() {}

    /**
     * ΔW (O, I · taps).
     *
     * @param t (R, R · taps), the kernel
     * @param a (R, O)
     * @param b (R, I)
     */
    public static Node weight(Pass pass, Node t, Node a, Node b) {
        Tensor inner = inner(pass, t.value(), b.value());
        Tensor out = pass.allocate(a.value().cols(), inner.cols());
        MatrixEngine matrices = pass.backend().matrices();
        matrices.gemm(true, false, 1, a.value(), inner, 0, out);
        Node weight = pass.node(out);
        if (pass.needsGrad(t, a, b)) {
            pass.record(
                    weight,
                    () -> {
                        if (a.isTracked()) { // da = inner dWᵀ
                            Tensor da =
                                    pass.allocate(a.value().rows(), a.value().cols());
                            matrices.gemm(false, true, 1, inner, weight.grad(), 0, da);
                            pass.addGrad(a, da);
                        }
                        Tensor dInner = pass.allocate(inner.rows(), inner.cols());
                        matrices.gemm(false, false, 1, a.value(), weight.grad(), 0, dInner);
                        innerBackward(pass, dInner, t, b);
                    },
                    inner,
                    t.value(),
                    a.value(),
                    b.value());
        }
        return weight;
    }

    /** {@code Σ t[p, q] b[q, i]} (R, I · taps). */
    private static Tensor inner(Pass pass, Tensor t, Tensor b) {
        int r = t.rows();
        int taps = t.cols() / r;
        Tensor inner = pass.allocate(r, b.cols() * taps);
        for (int p = 0; p < r; p++) {
            Tensor to = inner.rows(p, 1).reshape(b.cols(), taps);
            pass.backend().matrices().gemm(true, false, 1, b, t.rows(p, 1).reshape(r, taps), 0, to);
        }
        return inner;
    }

    private static void innerBackward(Pass pass, Tensor dInner, Node t, Node b) {
        MatrixEngine matrices = pass.backend().matrices();
        int r = t.value().rows();
        int taps = t.value().cols() / r;
        int in = b.value().cols();
        Tensor dt = pass.allocate(r, r * taps);
        Tensor db = pass.allocate(r, in);
        for (int p = 0; p < r; p++) {
            Tensor dy = dInner.rows(p, 1).reshape(in, taps);
            matrices.gemm(false, false, 1, b.value(), dy, 0, dt.rows(p, 1).reshape(r, taps)); // dt = b dy
            Tensor row = t.value().rows(p, 1).reshape(r, taps);
            matrices.gemm(false, true, 1, row, dy, p == 0 ? 0 : 1, db); // db = Σ t dyᵀ
        }
        if (t.isTracked()) {
            pass.addGrad(t, dt);
        }
        if (b.isTracked()) {
            pass.addGrad(b, db);
        }
    }
}
