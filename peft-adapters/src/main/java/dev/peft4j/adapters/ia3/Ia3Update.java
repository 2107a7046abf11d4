package dev.peft4j.adapters.ia3;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.LayerUpdate;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.site.Site;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Initial;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;
import java.util.random.RandomGenerator;

/** Factors l of the columns of the input or of the output of a layer. */
abstract class Ia3Update implements LayerUpdate {
    final boolean input; // whether the input is scaled
    private final Parameter factors; // l (1, I) or (1, O)

    /**
     * New factors.
     *
     * @param input whether the input is scaled
     * @param shape of the factors in files
     */
    Ia3Update(Ia3Config config, Site site, boolean input, Backend backend, RandomGenerator random, int... shape) {
        this.input = input;
        int n = 1;
        for (int size : shape) {
            n *= size;
        }
        Tensor l = Tensor.allocate(backend.dtype(), 1, n);
        if (config.onesAtStart()) {
            l.fill(1);
        } else {
            Initial.gaussian(l, 1, random);
        }
        factors = new Parameter(site.name() + ".ia3_l", l, shape);
    }

    final Tensor factors() {
        return factors.value();
    }

    @Override
    public final List<Parameter> parameters() {
        return List.of(factors);
    }

    @Override
    public final boolean changesInput() {
        return input;
    }

    @Override
    public final Node input(Call call, Node x) {
        return input ? Products.scaleColumns(call.pass(), x, call.pass().node(factors)) : x;
    }

    /** Scales y, the output of the layer, in place, if that is what is scaled. */
    final void scaleOutput(Call call, Node y) {
        if (!input) {
            Products.scaleInPlace(call.pass(), y, call.pass().node(factors));
        }
    }

    @Override
    public final boolean changesBias() {
        return !input;
    }

    @Override
    public final boolean needsBias() {
        return false;
    }

    @Override
    public final void mergeIntoBias(Backend backend, Tensor bias) {
        if (!input) {
            backend.kernels().scaleColumns(bias, factors.value(), bias);
        }
    }
}
