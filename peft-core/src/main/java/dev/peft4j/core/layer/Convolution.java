package dev.peft4j.core.layer;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.site.ConvSite;
import dev.peft4j.core.tensor.Patches;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.FrozenWeight;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A convolution: {@code y = x * W + b}, followed by what the active adapters do at its site.
 *
 * <p>Shapes: x (N · H · W, I), W (O, I / groups · taps), b (1, O), y (N · H' · W', O).
 */
public final class Convolution {
    private final ConvSite site;
    private final String weightName;
    private final String biasName;
    private final FrozenWeight weight;
    private final @Nullable Tensor bias;

    /** A convolution over a base weight, and a bias if it has one. */
    public Convolution(ConvSite site, FrozenWeight weight, @Nullable Tensor bias) {
        this.site = site;
        this.weightName = site.name() + ".weight";
        this.biasName = site.name() + ".bias";
        this.weight = weight;
        this.bias = bias;
    }

    public ConvSite site() {
        return site;
    }

    /** Runs the layer. */
    public FeatureMap forward(Call call, FeatureMap x) {
        Pass pass = call.pass();
        Patches p = site.patches(x.height(), x.width());
        Tensor out = pass.allocate(x.images() * p.outPixels(), site.out());
        FeatureMap y = new FeatureMap(pass.node(out), x.images(), p.outHeight(), p.outWidth());
        Call before = x.over(call);
        Call behind = y.over(call);
        List<Call> readers = before.partsIf(this::changesProduct);
        List<Call> writers = behind.partsIf(this::changesProduct);
        for (int i = 0; i < readers.size(); i++) {
            product(
                    writers.get(i),
                    p,
                    readers.get(i).rows(x.pixels()),
                    writers.get(i).rows(y.pixels()));
        }
        for (int i = 0; i < behind.parts().size(); i++) {
            Call part = behind.parts().get(i);
            for (Adapter adapter : part.adapters()) {
                Node mine = before.parts().get(i).rows(x.pixels());
                adapter.convolution(part, site, p, mine, part.rows(y.pixels()));
            }
        }
        pass.tell(site.name(), x.pixels(), y.pixels());
        return y;
    }

    private boolean changesProduct(Adapter adapter) {
        return adapter.changesInput(site)
                || adapter.replacement(weightName) != null
                || (bias != null && adapter.replacement(biasName) != null);
    }

    /** {@code y = x * W + b} with what the adapters put in the place of x, W and b. */
    private void product(Call call, Patches p, Node given, Node y) {
        Pass pass = call.pass();
        Node x = given;
        for (Adapter adapter : call.adapters()) {
            x = adapter.layerInput(call, site, x);
        }
        Node w = call.replacement(weightName);
        Node b = bias == null ? null : call.vector(biasName, bias);
        if (b != null) {
            pass.backend().kernels().fillRows(b.value(), y.value());
            if (b.isTracked()) {
                pass.record(y, () -> pass.backend().kernels().addColumnSums(y.grad(), b.grad()));
            }
        }
        double beta = b == null ? 0 : 1;
        if (w != null) {
            Convolutions.convolve(pass, weight.products(pass.backend()), p, site.groups(), x, w, beta, y);
        } else {
            Convolutions.frozen(pass, p, site.groups(), x, weight, beta, y);
        }
    }
}
