package dev.peft4j.core.layer;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.ConvUpdate;
import dev.peft4j.core.adapter.DeltaUpdate;
import dev.peft4j.core.adapter.LayeredAdapter;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.site.ConvSite;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.Site;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Patches;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;

/**
 * A {@link DeltaUpdate} of the weight of a convolution: {@code y += s · x * ΔW}.
 *
 * @param delta computes ΔW (O, I / groups · taps)
 * @param site the convolution
 */
public record ConvDelta(DeltaUpdate delta, ConvSite site) implements ConvUpdate {
    /** Adds an update to an adapter, at a linear layer or a convolution. */
    public static void add(LayeredAdapter adapter, Site site, DeltaUpdate delta) {
        if (site instanceof ConvSite convolution) {
            adapter.add(convolution, new ConvDelta(delta, convolution));
        } else if (site instanceof LinearSite linear) {
            adapter.add(linear, delta);
        }
    }

    @Override
    public List<Parameter> parameters() {
        return delta.parameters();
    }

    @Override
    public void forward(Call call, Patches patches, Node x, Node y) {
        Pass pass = call.pass();
        delta.add(pass, y, new DeltaUpdate.Product() {
            @Override
            public void addTo(Node out, double factor, Node weight) {
                Products.addScaled(pass, out, factor, of(weight));
            }

            @Override
            public Node of(Node weight) {
                Node change = pass.node(pass.allocate(y.value().rows(), site.out()));
                Convolutions.convolve(pass, pass.backend().matrices(), patches, site.groups(), x, weight, 0, change);
                return change;
            }
        });
    }

    @Override
    public void mergeInto(Backend backend, Tensor weight) {
        delta.mergeInto(backend, weight);
    }

    @Override
    public void free() {
        delta.free();
    }
}
