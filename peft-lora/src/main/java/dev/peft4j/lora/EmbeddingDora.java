package dev.peft4j.lora;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.site.EmbeddingSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.FrozenWeight;
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

    EmbeddingDora(LoraConfig config, EmbeddingSite site, ModelSites model, RandomGenerator random) {
        super(config, site, model, random);
        FrozenWeight table = model.weight(site.name() + ".weight"); // (V, C)
        RowNorms norms = new LowRankNorms(model.backend(), table, true, a, b, scaling);
        magnitude = new Magnitude(site.name(), model.backend(), norms, a, b, site.width());
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(a, b, magnitude.parameter());
    }

    /** Computes with another table (V, C) of the base: that of a file. */
    void useBase(FrozenWeight table, Backend backend) {
        magnitude.useBase(table, backend);
    }

    @Override
    public void forward(Call call, int[] ids, Node y) {
        super.forward(call, ids, y);
        magnitude.scale(call.pass(), y);
    }

    @Override
    public void mergeInto(Backend backend, Tensor merged) {
        magnitude.mergeInto(backend, merged, true, () -> super.mergeInto(backend, merged));
    }

    @Override
    Factors factors(Backend backend) {
        return magnitude.withGains(backend, super.factors(backend));
    }

    @Override
    void store(Backend backend, double[] newA, double[] newB, double @Nullable [] lengths) {
        super.store(backend, newA, newB, lengths);
        magnitude.store(backend, lengths);
    }

    @Override
    public void free() {
        magnitude.free();
    }
}
