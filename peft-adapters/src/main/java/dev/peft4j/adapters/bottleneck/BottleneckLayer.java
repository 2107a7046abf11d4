package dev.peft4j.adapters.bottleneck;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.layer.LayerNorm;
import dev.peft4j.core.site.BlockSite;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Initial;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;
import java.util.Objects;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A bottleneck at a sub-layer with output y and residual r: {@code y + s · (f(z Dᵀ + d) Uᵀ + u)} with {@code z = y} (Houlsby et al. 2019, <a
 * href="https://arxiv.org/abs/1902.00751">paper</a>, section 2.1), {@code z = norm(y + r)} (Pfeiffer et al. 2021, <a
 * href="https://arxiv.org/abs/2005.00247">paper</a>, section 3.2), or {@code z = r} (He et al. 2022, <a
 * href="https://arxiv.org/abs/2110.04366">paper</a>, section 3.3). The scaling s is a number, a trained number or trained numbers (1, C); what is added may go
 * through dropout and a layer norm of its own, and the residual connection may take another place than y.
 *
 * <p>Shapes: y, r (T, C), D (D, C), U (C, D). Cost: 2 C D + C + D parameters, 1 or C for a trained scaling, 2 C for a norm.
 */
final class BottleneckLayer {
    private static final double NORM_EPS = 1e-5; // of PyTorch's LayerNorm
    private final BottleneckConfig config;
    private final Parameter downWeight; // (D, C)
    private final Parameter downBias; // (1, D)
    private final Parameter upWeight; // (C, D)
    private final Parameter upBias; // (1, C)
    private final @Nullable Parameter scaling; // (1, 1) or (1, C)
    private final @Nullable Parameter normWeight; // (1, C)
    private final @Nullable Parameter normBias; // (1, C)

    BottleneckLayer(BottleneckConfig config, BlockSite site, String name, Backend backend, RandomGenerator random) {
        this.config = config;
        int width = site.width();
        int size = config.units(site);
        downWeight = weight(name + ".adapter_down.0.weight", size, width, false, backend, random);
        downBias = new Parameter(name + ".adapter_down.0.bias", Tensor.zeros(backend.dtype(), 1, size), size);
        upWeight = weight(name + ".adapter_up.weight", width, size, true, backend, random);
        upBias = new Parameter(name + ".adapter_up.bias", Tensor.zeros(backend.dtype(), 1, width), width);
        int factors = config.scaling().parameters(width);
        scaling = factors == 0 ? null : vector(name + ".scaling", factors, 1, backend);
        boolean hasNorm = config.norm() != BottleneckConfig.Norm.NONE;
        normWeight = hasNorm ? vector(name + ".adapter_norm_after.weight", width, 1, backend) : null;
        normBias = hasNorm ? vector(name + ".adapter_norm_after.bias", width, 0, backend) : null;
    }

    private static Parameter vector(String name, int n, double value, Backend backend) {
        Tensor t = Tensor.allocate(backend.dtype(), 1, n);
        t.fill(value);
        return new Parameter(name, t, n);
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
        double[] values = new double[Math.toIntExact(t.size())];
        for (int i = 0; i < values.length; i++) {
            double v = random.nextGaussian();
            while (Math.abs(v) > 2) {
                v = random.nextGaussian();
            }
            values[i] = deviation * v;
        }
        t.set(values);
    }

    List<Parameter> parameters() {
        return Stream.of(downWeight, downBias, upWeight, upBias, scaling, normWeight, normBias)
                .filter(Objects::nonNull)
                .toList();
    }

    Node forward(Call call, Node y, Node residual, Adapter.Norm norm) {
        Pass pass = call.pass();
        BottleneckPlacement place = config.placement();
        Node sum = place.normBefore() && !place.parallel() ? Products.sum(pass, y, residual) : y;
        Node z = place.parallel() ? residual : place.normBefore() ? norm.apply(call, sum) : y;
        Node around = y;
        if (!place.parallel() && place.residual() != BottleneckPlacement.Residual.OUTPUT) {
            around = place.residual() == BottleneckPlacement.Residual.SUM ? sum : z;
        }
        Node h = Products.linear(pass, z, pass.node(downWeight)); // (T, D)
        Products.addBias(pass, h, pass.node(downBias));
        h = Functions.activation(pass, config.nonLinearity(), h);
        return switch (config.norm()) {
            case NONE -> up(pass, h, around);
            case BEFORE_RESIDUAL -> Functions.add(pass, normed(pass, up(pass, h, null)), around);
            case AFTER_RESIDUAL -> normed(pass, up(pass, h, around));
        };
    }

    /** {@code start + s · (h Uᵀ + u)}, a new node; without a start alone. */
    private Node up(Pass pass, Node h, @Nullable Node start) {
        boolean fixed = config.scaling().kind() == Scaling.Kind.FIXED;
        double s = fixed ? config.scaling().value() : 1;
        if (start != null && fixed && config.dropout() == 0) {
            Node out = empty(pass, h);
            Products.copy(pass, start, out);
            Products.addLinear(pass, out, s, h, pass.node(upWeight));
            Products.addBias(pass, out, s, pass.node(upBias));
            return out;
        }
        Node out = empty(pass, h);
        pass.backend().kernels().fillRows(null, out.value());
        Products.addLinear(pass, out, s, h, pass.node(upWeight));
        Products.addBias(pass, out, s, pass.node(upBias));
        if (scaling != null) {
            Products.scaleInPlace(pass, out, factors(pass, scaling));
        }
        Node dropped = Functions.dropout(pass, config.dropout(), out);
        return start == null ? dropped : Functions.add(pass, dropped, start);
    }

    private Node empty(Pass pass, Node h) {
        return pass.node(pass.allocate(h.value().rows(), upWeight.value().rows()));
    }

    /** A factor for each column (1, C). */
    private Node factors(Pass pass, Parameter trained) {
        Node factor = pass.node(trained);
        int width = upWeight.value().rows();
        if (factor.value().cols() == width) {
            return factor;
        }
        Tensor ones = pass.allocate(1, width);
        ones.fill(1);
        return Products.multiply(pass, factor, pass.node(ones));
    }

    private Node normed(Pass pass, Node x) {
        return LayerNorm.forward(
                pass,
                x,
                pass.node(Objects.requireNonNull(normWeight)),
                pass.node(Objects.requireNonNull(normBias)),
                NORM_EPS);
    }
}
