package dev.peft4j.lora;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.EmbeddingUpdate;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.layer.Embedding;
import dev.peft4j.core.site.EmbeddingSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Initial;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * LoRA of a table of token vectors: {@code y += s · Aᵀ[ids] Bᵀ}.
 *
 * <p>Hu et al. 2021, <a href="https://arxiv.org/abs/2106.09685">paper</a>, section 4.1, as PEFT has it: the roles at the start are exchanged, A is zero and B is N(0, 1).
 *
 * <p>Shapes: A (R, V), B (C, R), y (T, C).
 */
class EmbeddingLora implements EmbeddingUpdate {
    final double scaling;
    private final EmbeddingSite site;
    final Parameter a; // (R, V)
    final Parameter b; // (C, R)

    EmbeddingLora(LoraConfig config, EmbeddingSite site, ModelSites model, RandomGenerator random) {
        Backend backend = model.backend();
        this.site = site;
        int r = config.rank(site);
        scaling = config.scaling(site);
        Tensor up = Tensor.allocate(backend.dtype(), site.width(), r);
        Initial.gaussian(up, 1, random);
        a = new Parameter(
                site.name() + ".lora_embedding_A", Tensor.zeros(backend.dtype(), r, site.entries()), r, site.entries());
        b = new Parameter(site.name() + ".lora_embedding_B", up, site.width(), r);
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(a, b);
    }

    @Override
    public void forward(Call call, int[] ids, Node y) {
        Pass pass = call.pass();
        Products.addLinear(pass, y, scaling, lookUp(pass, ids), pass.node(b));
    }

    /** {@code Aᵀ[ids]} (T, R). */
    private Node lookUp(Pass pass, int[] ids) {
        Node table = pass.node(a);
        Tensor out = pass.allocate(ids.length, a.value().rows());
        pass.backend().kernels().gatherColumns(ids, a.value(), out);
        Node h = pass.node(out);
        if (pass.needsGrad(table)) {
            pass.record(
                    h,
                    () -> Embedding.withoutPadding(pass, site, ids, h.grad(), (kept, g) -> pass.backend()
                            .kernels()
                            .scatterAddColumns(kept, g, table.grad())));
        }
        return h;
    }

    /** {@code E + s · (B A)ᵀ}, in place. */
    @Override
    public void mergeInto(Backend backend, Tensor table) {
        backend.matrices().gemm(true, true, scaling, a.value(), b.value(), 1, table);
    }

    /** The update of the transposed table as numbers. */
    Factors factors(Backend backend) {
        return new Factors(
                b.value().toDoubles(), a.value().toDoubles(), a.value().rows(), scaling, null, null);
    }

    /** Sets what is trained; lengths are those of DoRA. */
    void store(Backend backend, double[] newA, double[] newB, double @Nullable [] lengths) {
        a.value().set(newA);
        b.value().set(newB);
    }
}
