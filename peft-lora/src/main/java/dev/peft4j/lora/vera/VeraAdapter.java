package dev.peft4j.lora.vera;

import dev.peft4j.core.adapter.LayeredAdapter;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.tensor.Initial;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.tensor.TorchRandom;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/** VeRA at the chosen layers, and the two random matrices that they share. */
final class VeraAdapter extends LayeredAdapter {
    private final VeraConfig config;
    private final Tensor sharedA; // (R, largest I)
    private final Tensor sharedB; // (largest O, R)

    VeraAdapter(VeraConfig config, ModelSites model, long seed) {
        super(config, model);
        this.config = config;
        List<LinearSite> sites = config.sites(model);
        int in = VeraConfig.mostIn(sites);
        int out = VeraConfig.mostOut(sites);
        sharedA = Tensor.allocate(backend().dtype(), config.r(), in);
        sharedB = Tensor.allocate(backend().dtype(), out, config.r());
        // PEFT: kaiming_uniform(a=0), bound √2·√3/√fan_in, A and then B from one generator
        TorchRandom torch = new TorchRandom(config.key());
        torch.uniform(sharedA, -bound(in), bound(in));
        torch.uniform(sharedB, -bound(config.r()), bound(config.r()));
        SplittableRandom random = new SplittableRandom(seed);
        build(() -> {
            for (LinearSite site : sites) {
                VeraLayer layer = new VeraLayer(config, site, sharedA, sharedB);
                if (!config.zeroStart()) {
                    Initial.gaussian(layer.parameters().get(0).value(), 1, random);
                }
                add(site, layer);
            }
            trainModules(config.attachment().whole(model));
        });
    }

    private static double bound(int fanIn) {
        return Math.sqrt(3) * (Math.sqrt(2) / Math.sqrt(fanIn));
    }

    @Override
    public Map<String, Tensor> buffers() {
        return config.saveProjection() ? Map.of("base_model.vera_A", sharedA, "base_model.vera_B", sharedB) : Map.of();
    }

    /** PEFT asks for the first only. */
    @Override
    public boolean requiresBuffer(String name) {
        return name.endsWith("_A");
    }

    @Override
    protected Optional<String> dropoutName() {
        return Optional.of(".vera_dropout");
    }

    @Override
    protected void free() {
        super.free();
        sharedA.close();
        sharedB.close();
    }
}
