package dev.peft4j.lora;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.LinearSite;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.MatrixEngine;
import dev.peft4j.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Low-rank adaptation of linear layers: {@code y = x Wᵀ + s · drop(x) Aᵀ Bᵀ}, with {@code s = alpha / r}.
 *
 * <p>Hu et al. 2021, <a href="https://arxiv.org/abs/2106.09685">paper</a>, section 4.1. Choose it when the adapter must be merged into
 * the base for serving.
 *
 * <p>Shapes: x (T, I), A (R, I), B (O, R), y (T, O). Cost: R·(I + O) parameters, 2·T·R·(I + O) extra operations, for each layer.
 */
final class LoraAdapter implements Adapter {
    private final LoraConfig config;
    private final Backend backend;
    private final Map<String, Pair> pairs = new LinkedHashMap<>();
    private final Map<String, Parameter> replacements = new LinkedHashMap<>();

    /** The two factors at a layer: A (R, I), B (O, R). */
    private record Pair(Parameter a, Parameter b) {}

    /** B is zero, so that a new adapter changes nothing; whole modules are copies of the base. */
    LoraAdapter(LoraConfig config, ModelSites model, long seed) {
        this.config = config;
        this.backend = model.backend();
        RandomGenerator random = new SplittableRandom(seed);
        int r = config.r();
        for (LinearSite site : config.sites(model)) {
            Tensor a = Tensor.allocate(backend.dtype(), r, site.in());
            double bound = 1 / Math.sqrt(site.in()); // kaiming_uniform(a=√5) = U(-1/√in, 1/√in), as PEFT
            for (int i = 0; i < r; i++) {
                for (int j = 0; j < site.in(); j++) {
                    a.set(i, j, random.nextDouble(-bound, bound));
                }
            }
            Tensor b = Tensor.zeros(backend.dtype(), site.out(), r);
            pairs.put(
                    site.name(),
                    new Pair(
                            new Parameter(site.name() + ".lora_A.weight", a, r, site.in()),
                            new Parameter(site.name() + ".lora_B.weight", b, site.out(), r)));
        }
        for (String module : model.taskModules()) {
            for (String name : List.of(module + ".weight", module + ".bias")) {
                Tensor copy = model.tensor(name).copy(backend.dtype());
                replacements.put(name, new Parameter(name, copy, model.shape(name)));
            }
        }
    }

    @Override
    public PeftConfig config() {
        return config;
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> all = new ArrayList<>();
        pairs.values().forEach(p -> {
            all.add(p.a);
            all.add(p.b);
        });
        all.addAll(replacements.values());
        return all;
    }

    @Override
    public @Nullable Parameter replacement(String tensorName) {
        return replacements.get(tensorName);
    }

    @Override
    public void linear(Call call, LinearSite site, Node x, Node y) {
        Pair pair = pairs.get(site.name());
        if (pair == null) {
            return;
        }
        Pass pass = call.pass();
        MatrixEngine m = pass.backend().matrices();
        double s = config.scaling();
        boolean drop = pass.isTraining() && config.dropout() > 0;
        long seed = drop ? pass.nextSeed() : 0;
        Tensor dropped = drop ? pass.allocate(x.value().rows(), x.value().cols()) : x.value();
        if (drop) {
            pass.backend().kernels().dropout(config.dropout(), seed, x.value(), dropped);
        }
        Tensor a = pair.a.value();
        Tensor b = pair.b.value();
        Tensor h = pass.allocate(x.value().rows(), config.r()); // (T, R)
        m.gemm(false, true, 1, dropped, a, 0, h); // h = x Aᵀ
        m.gemm(false, true, s, h, b, 1, y.value()); // y += s · h Bᵀ
        Node nodeA = pass.node(pair.a);
        Node nodeB = pass.node(pair.b);
        if (!pass.needsGrad(x, nodeA, nodeB)) {
            return;
        }
        pass.record(
                y,
                () -> {
                    Tensor dy = y.grad();
                    Tensor dh = pass.allocate(h.rows(), h.cols());
                    m.gemm(false, false, s, dy, b, 0, dh); // dh = s · dy B
                    if (nodeB.isTracked()) {
                        m.gemm(true, false, s, dy, h, pass.prepareGrad(nodeB) ? 1 : 0, nodeB.grad()); // dB = s · dyᵀ h
                    }
                    if (nodeA.isTracked()) {
                        m.gemm(
                                true,
                                false,
                                1,
                                dh,
                                dropped,
                                pass.prepareGrad(nodeA) ? 1 : 0,
                                nodeA.grad()); // dA = dhᵀ x
                    }
                    if (x.isTracked() && !drop) {
                        m.gemm(false, false, 1, dh, a, pass.prepareGrad(x) ? 1 : 0, x.grad()); // dx = dh A
                    } else if (x.isTracked()) {
                        Tensor dx = pass.allocate(x.value().rows(), x.value().cols());
                        m.gemm(false, false, 1, dh, a, 0, dx);
                        pass.backend().kernels().dropout(config.dropout(), seed, dx, dx);
                        pass.addGrad(x, dx);
                    }
                },
                dropped,
                h);
    }

    @Override
    public boolean actsAt(LinearSite site) {
        return pairs.containsKey(site.name());
    }

    @Override
    public void mergeInto(LinearSite site, Tensor weight) {
        Pair pair = pairs.get(site.name());
        if (pair != null) {
            // W + s · B A
            backend.matrices().gemm(false, false, config.scaling(), pair.b.value(), pair.a.value(), 1, weight);
        }
    }

    @Override
    public void close() {
        parameters().forEach(Parameter::close);
    }
}
