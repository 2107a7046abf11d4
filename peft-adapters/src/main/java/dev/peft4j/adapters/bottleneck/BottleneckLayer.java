package dev.peft4j.adapters.bottleneck;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.BlockSite;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Initial;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * A bottleneck at a sub-layer with output y and residual r: {@code y + s · (f(z Dᵀ + d) Uᵀ + u)} with {@code z = y} (Houlsby et al. 2019, <a
 * href="https://arxiv.org/abs/1902.00751">paper</a>, section 2.1), {@code z = norm(y + r)} (Pfeiffer et al. 2021, <a
 * href="https://arxiv.org/abs/2005.00247">paper</a>, section 3.2), or {@code z = r} (He et al. 2022, <a
 * href="https://arxiv.org/abs/2110.04366">paper</a>, section 3.3).
 *
 * <p>Shapes: y, r (T, C), D (D, C), U (C, D). Cost: 2 C D + C + D parameters.
 */
final class BottleneckLayer {
    private final BottleneckConfig config;
    private final Parameter downWeight; // (D, C)
    private final Parameter downBias; // (1, D)
    private final Parameter upWeight; // (C, D)
    private final Parameter upBias; // (1, C)

    BottleneckLayer(
            BottleneckConfig config, BlockSite site, String name, int size, Backend backend, RandomGenerator random) {
        this.config = config;
        int width = site.width();
        downWeight = weight(name + ".adapter_down.0.weight", size, width, false, backend, random);
        downBias = new Parameter(name + ".adapter_down.0.bias", Tensor.zeros(backend.dtype(), 1, size), size);
        upWeight = weight(name + ".adapter_up.weight", width, size, true, backend, random);
        upBias = new Parameter(name + ".adapter_up.bias", Tensor.zeros(backend.dtype(), 1, width), width);
    }

    private Parameter weight(String name, int rows, int cols, boolean up, Backend backend, RandomGenerator random) {
        Tensor t = Tensor.zeros(backend.dtype(), rows, cols);
        switch (config.init()) {
            case BERT -> Initial.gaussian(t, 0.02, random);
            case HOULSBY -> truncated(t, 0.01, random);
            case MAM_ADAPTER -> {
                if (!up) {
                    Initial.uniform(t, 1 / Math.sqrt(cols), random); // kaiming_uniform(a=√5)
                }
            }
        }
        return new Parameter(name, t, rows, cols);
    }

    private static void truncated(Tensor t, double deviation, RandomGenerator random) {
        for (int r = 0; r < t.rows(); r++) {
            for (int c = 0; c < t.cols(); c++) {
                double v = random.nextGaussian();
                while (Math.abs(v) > 2) {
                    v = random.nextGaussian();
                }
                t.set(r, c, deviation * v);
            }
        }
    }

    List<Parameter> parameters() {
        return List.of(downWeight, downBias, upWeight, upBias);
    }

    Node forward(Call call, Node y, Node residual, Adapter.Norm norm) {
        Pass pass = call.pass();
        Node z = input(call, y, residual, norm);
        Node h = Products.linear(pass, z, pass.node(downWeight)); // (T, D)
        Products.addBias(pass, h, pass.node(downBias));
        h = Functions.activation(pass, config.nonLinearity(), h);
        Node out = pass.node(pass.allocate(y.value().rows(), y.value().cols()));
        Products.copy(pass, y, out);
        Products.addLinear(pass, out, config.scaling(), h, pass.node(upWeight));
        Products.addBias(pass, out, config.scaling(), pass.node(upBias));
        return out;
    }

    private Node input(Call call, Node y, Node residual, Adapter.Norm norm) {
        if (config.parallel()) {
            return residual;
        }
        return config.normBefore() ? norm.apply(call, Products.sum(call.pass(), y, residual)) : y;
    }
}
