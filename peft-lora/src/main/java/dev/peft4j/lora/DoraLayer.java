package dev.peft4j.lora;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.LinearSite;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Kernels;
import dev.peft4j.core.tensor.MatrixEngine;
import dev.peft4j.core.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Weight-decomposed LoRA: {@code y = m / ‖W + s·B A‖ ⊙ (x Wᵀ + s · x Aᵀ Bᵀ)}, where the norm is of each row and m is trained.
 *
 * <p>Liu et al. 2024, <a href="https://arxiv.org/abs/2402.09353">paper</a>, section 4.1; the norm is a constant for the derivative, section
 * 4.3. It is computed without the product B A: {@code ‖W + s·B A‖² = ‖W‖² + 2s·(W Aᵀ)·B + s²·B (A Aᵀ) Bᵀ}, row by row.
 *
 * <p>Shapes: as LoRA, m (1, O). While training with dropout, what the gain adds to the base product has the dropped input too, as in PEFT:
 * {@code y = x Wᵀ + (m / norm) ⊙ u - d Wᵀ} with {@code u = d Wᵀ + s · d Aᵀ Bᵀ} and {@code d = drop(x)}.
 */
final class DoraLayer extends LoraLayer {
    private final Magnitude magnitude;
    private final Tensor weight; // (O, I), of the base
    private final @Nullable Tensor bias; // (1, O), of the base
    private final String biasName;
    private final double[] squares; // ‖W‖² of each row

    DoraLayer(LoraConfig config, LinearSite site, ModelSites model, RandomGenerator random) {
        super(config, site, model, random);
        weight = model.tensor(model.weightName(site));
        biasName = site.name() + ".bias";
        bias = model.tensorNames().contains(biasName) ? model.tensor(biasName) : null;
        squares = new double[site.out()];
        for (int o = 0; o < site.out(); o++) {
            squares[o] = model.backend().kernels().sumOfSquares(weight.rows(o, 1));
        }
        Tensor lengths = Tensor.allocate(model.backend().dtype(), 1, site.out());
        double[] first = norms(model.backend());
        for (int o = 0; o < site.out(); o++) {
            lengths.set(0, o, first[o]);
        }
        magnitude = new Magnitude(site.name() + ".lora_magnitude_vector", lengths);
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(a, b, magnitude.parameter());
    }

    /** With working memory of its own. */
    private double[] norms(Backend backend) {
        int r = a.value().rows();
        try (Tensor wa = Tensor.allocate(backend.dtype(), weight.rows(), r);
                Tensor aa = Tensor.allocate(backend.dtype(), r, r);
                Tensor baa = Tensor.allocate(backend.dtype(), weight.rows(), r)) {
            return norms(backend, wa, aa, baa);
        }
    }

    /** ‖W + s·B A‖ of each row; the tensors are working memory: wa and baa (O, R), aa (R, R). */
    private double[] norms(Backend backend, Tensor wa, Tensor aa, Tensor baa) {
        MatrixEngine matrices = backend.matrices();
        matrices.gemm(false, true, 1, weight, a.value(), 0, wa); // W Aᵀ
        matrices.gemm(false, true, 1, a.value(), a.value(), 0, aa); // A Aᵀ
        matrices.gemm(false, false, 1, b.value(), aa, 0, baa); // B A Aᵀ
        return Magnitude.norms(squares, scaling, wa, baa, b.value());
    }

    @Override
    public void forward(Call call, Node x, Node y) {
        Pass pass = call.pass();
        int rank = a.value().rows();
        int out = weight.rows();
        double[] norms =
                norms(pass.backend(), pass.allocate(out, rank), pass.allocate(rank, rank), pass.allocate(out, rank));
        Node input = dropped(pass, x);
        if (input != x) {
            Node u = Products.linear(pass, input, pass.node(weight));
            Products.addScaled(pass, y, -1, u);
            addUpdate(pass, input, u);
            magnitude.scale(pass, u, norms);
            Products.addScaled(pass, y, 1, u);
            return;
        }
        addUpdate(pass, x, y);
        if (bias == null) {
            magnitude.scale(pass, y, norms);
            return;
        }
        // the bias is outside of the product
        Kernels kernels = pass.backend().kernels();
        Tensor rows = pass.allocate(y.value().rows(), out);
        kernels.fillRows(call.tensor(biasName, bias).value(), rows);
        kernels.addScaled(-1, rows, y.value());
        magnitude.scale(pass, y, norms);
        kernels.add(y.value(), rows, y.value());
    }

    @Override
    public void mergeInto(Backend backend, Tensor merged) {
        double[] norms = norms(backend);
        super.mergeInto(backend, merged);
        for (int o = 0; o < norms.length; o++) {
            Tensor row = merged.rows(o, 1);
            backend.kernels().addScaled(magnitude.gain(o, norms) - 1, row, row);
        }
    }

    @Override
    Factors factors(Backend backend) {
        Factors f = super.factors(backend);
        double[] norms = norms(backend);
        double[] gains = new double[norms.length];
        Arrays.setAll(gains, o -> magnitude.gain(o, norms));
        return new Factors(f.b(), f.a(), f.r(), f.scaling(), gains, null);
    }

    /** Without lengths, they become those of W + s·B A, so that the gain is 1. */
    @Override
    void store(Backend backend, double[] newA, double[] newB, double @Nullable [] lengths, double @Nullable [] noBias) {
        super.store(backend, newA, newB, lengths, noBias);
        magnitude.parameter().value().set(lengths == null ? norms(backend) : lengths);
    }
}
