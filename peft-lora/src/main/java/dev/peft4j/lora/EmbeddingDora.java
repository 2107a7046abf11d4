package dev.peft4j.lora;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.EmbeddingSite;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.MatrixEngine;
import dev.peft4j.core.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * DoRA of a table of token vectors: {@code y = m / ‖Eᵀ + s·B A‖ ⊙ (E[ids] + s · Aᵀ[ids] Bᵀ)}, with the norm of each of the C columns of the
 * table.
 *
 * <p>Shapes: as {@link EmbeddingLora}, m (1, C).
 */
final class EmbeddingDora extends EmbeddingLora {
    private final Magnitude magnitude;
    private final Tensor table; // (V, C), of the base
    private final double[] squares; // ‖E‖² of each column

    EmbeddingDora(LoraConfig config, EmbeddingSite site, ModelSites model, RandomGenerator random) {
        super(config, site, model, random);
        table = model.tensor(site.name() + ".weight");
        squares = new double[site.width()];
        Tensor lengths = Tensor.allocate(model.backend().dtype(), 1, site.width());
        for (int c = 0; c < squares.length; c++) {
            squares[c] = model.backend().kernels().sumOfSquares(table.columns(c, 1));
            lengths.set(0, c, Math.sqrt(squares[c]));
        }
        magnitude = new Magnitude(site.name() + ".lora_magnitude_vector", lengths);
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(a, b, magnitude.parameter());
    }

    @Override
    public void forward(Call call, int[] ids, Node y) {
        super.forward(call, ids, y);
        Pass pass = call.pass();
        int r = b.value().cols();
        int width = table.cols();
        magnitude.scale(
                pass, y, norms(pass.backend(), pass.allocate(width, r), pass.allocate(r, r), pass.allocate(width, r)));
    }

    private double[] norms(Backend backend, Tensor wa, Tensor aa, Tensor baa) {
        MatrixEngine matrices = backend.matrices();
        matrices.gemm(true, true, 1, table, a.value(), 0, wa); // Eᵀ Aᵀ
        matrices.gemm(false, true, 1, a.value(), a.value(), 0, aa); // A Aᵀ
        matrices.gemm(false, false, 1, b.value(), aa, 0, baa); // B A Aᵀ
        return Magnitude.norms(squares, scaling, wa, baa, b.value());
    }

    /** With working memory of its own. */
    private double[] norms(Backend backend) {
        int r = b.value().cols();
        try (Tensor wa = Tensor.allocate(backend.dtype(), table.cols(), r);
                Tensor aa = Tensor.allocate(backend.dtype(), r, r);
                Tensor baa = Tensor.allocate(backend.dtype(), table.cols(), r)) {
            return norms(backend, wa, aa, baa);
        }
    }

    @Override
    public void mergeInto(Backend backend, Tensor merged) {
        double[] norms = norms(backend);
        super.mergeInto(backend, merged);
        for (int c = 0; c < norms.length; c++) {
            Tensor column = merged.columns(c, 1);
            backend.kernels().addScaled(magnitude.gain(c, norms) - 1, column, column);
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

    /** Without lengths, they become those of the sum, so that the gain is 1. */
    @Override
    void store(Backend backend, double[] newA, double[] newB, double @Nullable [] lengths) {
        super.store(backend, newA, newB, lengths);
        magnitude.parameter().value().set(lengths == null ? norms(backend) : lengths);
    }
}
