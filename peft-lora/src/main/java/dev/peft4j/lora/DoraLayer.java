package dev.peft4j.lora;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.LinearSite;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Weight-decomposed LoRA: {@code y = m / ‖W + s·B A‖ ⊙ (x Wᵀ + s · x Aᵀ Bᵀ)}, where the norm is of each row and m is trained.
 *
 * <p>Liu et al. 2024, <a href="https://arxiv.org/abs/2402.09353">paper</a>, section 4.1; the norm is a constant for the derivative, section
 * 4.3. It is computed without the product B A: {@code ‖W + s·B A‖² = ‖W‖² + 2s·(W Aᵀ)·B + s²·B (A Aᵀ) Bᵀ}, row by row.
 *
 * <p>Shapes: as LoRA, m (1, O). Dropout acts in front of A only.
 */
final class DoraLayer extends LoraLayer {
    private final Parameter magnitude; // (1, O)
    private final Tensor weight; // (O, I), of the base
    private final @Nullable Tensor bias; // (1, O), of the base
    private final double[] squares; // ‖W‖² of each row

    DoraLayer(LoraConfig config, LinearSite site, ModelSites model, RandomGenerator random) {
        super(config, site, model.backend(), random);
        weight = model.tensor(site.name() + ".weight");
        String biasName = site.name() + ".bias";
        bias = model.tensorNames().contains(biasName) ? model.tensor(biasName) : null;
        squares = new double[site.out()];
        Tensor m = Tensor.allocate(model.backend().dtype(), 1, site.out());
        for (int o = 0; o < site.out(); o++) {
            squares[o] = model.backend().kernels().sumOfSquares(weight.rows(o, 1));
            m.set(0, o, Math.sqrt(squares[o]));
        }
        magnitude = new Parameter(site.name() + ".lora_magnitude_vector", m, site.out());
    }

    @Override
    List<Parameter> parameters() {
        return List.of(a, b, magnitude);
    }

    /** ‖W + s·B A‖ of each row; the tensors are working memory: wa and baa (O, R), aa (R, R). */
    private double[] norms(Backend backend, Tensor wa, Tensor aa, Tensor baa) {
        int r = a.value().rows();
        double[] norms = new double[weight.rows()];
        backend.matrices().gemm(false, true, 1, weight, a.value(), 0, wa); // W Aᵀ
        backend.matrices().gemm(false, true, 1, a.value(), a.value(), 0, aa); // A Aᵀ
        backend.matrices().gemm(false, false, 1, b.value(), aa, 0, baa); // B A Aᵀ
        for (int o = 0; o < norms.length; o++) {
            double cross = 0;
            double own = 0;
            for (int i = 0; i < r; i++) {
                cross += wa.get(o, i) * b.value().get(o, i);
                own += baa.get(o, i) * b.value().get(o, i);
            }
            norms[o] = Math.sqrt(squares[o] + 2 * scaling * cross + scaling * scaling * own);
        }
        return norms;
    }

    @Override
    void forward(Call call, Node x, Node y) {
        super.forward(call, x, y);
        Pass pass = call.pass();
        Backend backend = pass.backend();
        int rank = a.value().rows();
        int out = weight.rows();
        double[] norms = norms(backend, pass.allocate(out, rank), pass.allocate(rank, rank), pass.allocate(out, rank));
        Tensor gain = pass.allocate(1, out); // m / ‖W + s·B A‖
        Tensor inverse = pass.allocate(1, out);
        for (int o = 0; o < out; o++) {
            gain.set(0, o, magnitude.value().get(0, o) / norms[o]);
            inverse.set(0, o, 1 / norms[o]);
        }
        Node m = pass.node(magnitude);
        boolean derive = pass.needsGrad(y, m);
        Tensor rows = pass.allocate(y.value().rows(), out);
        backend.kernels().fillRows(bias, rows);
        backend.kernels().addScaled(-1, rows, y.value()); // the bias is outside of the product
        Tensor product = derive ? pass.allocate(y.value().rows(), out) : y.value();
        if (derive) {
            product.copyFrom(y.value());
        }
        backend.kernels().scaleColumns(y.value(), gain, y.value());
        backend.kernels().add(y.value(), rows, y.value());
        if (derive) {
            pass.record(
                    y,
                    () -> {
                        if (m.isTracked()) {
                            backend.kernels()
                                    .addColumnDots(y.grad(), product, inverse, m.grad()); // dm = Σ dy ⊙ product / norm
                        }
                        Tensor old = pass.replaceGrad(y);
                        backend.kernels().scaleColumns(old, gain, y.grad());
                    },
                    product,
                    gain,
                    inverse);
        }
    }

    @Override
    void mergeInto(Backend backend, Tensor merged) {
        int rank = a.value().rows();
        double[] norms;
        try (Tensor wa = Tensor.allocate(backend.dtype(), weight.rows(), rank);
                Tensor aa = Tensor.allocate(backend.dtype(), rank, rank);
                Tensor baa = Tensor.allocate(backend.dtype(), weight.rows(), rank)) {
            norms = norms(backend, wa, aa, baa);
        }
        super.mergeInto(backend, merged);
        for (int o = 0; o < norms.length; o++) {
            Tensor row = merged.rows(o, 1);
            backend.kernels().addScaled(magnitude.value().get(0, o) / norms[o] - 1, row, row);
        }
    }
}
