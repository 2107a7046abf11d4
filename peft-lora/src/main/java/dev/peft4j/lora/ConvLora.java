package dev.peft4j.lora;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.ConvUpdate;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.layer.Convolutions;
import dev.peft4j.core.site.ConvSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Initial;
import dev.peft4j.core.tensor.MatrixEngine;
import dev.peft4j.core.tensor.Patches;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Low-rank adaptation of a convolution, as PEFT has it: {@code y = x * W + s · (drop(x) * A) Bᵀ}. A is a convolution of the same kernel with R outputs, B one of
 * single pixels, which has the groups of the layer.
 *
 * <p>Shapes: x (N · H · W, I), A (R, I · taps), B (O, R / groups), y (N · H' · W', O).
 */
class ConvLora implements ConvUpdate {
    final ConvSite site;
    final double scaling;
    final Parameter a; // (R, I · taps)
    final Parameter b; // (O, R / groups)
    private final double dropout;

    ConvLora(LoraConfig config, ConvSite site, ModelSites model, RandomGenerator random) {
        int r = config.rank(site);
        require(config, site, r);
        this.site = site;
        scaling = config.scaling(site);
        dropout = config.dropout();
        Backend backend = model.backend();
        int width = site.in() * site.taps();
        Tensor first = Tensor.allocate(backend.dtype(), r, width);
        Tensor second = Tensor.zeros(backend.dtype(), site.out(), r / site.groups());
        switch (config.firstValues().kind()) {
            case GAUSSIAN -> Initial.gaussian(first, 1.0 / r, random);
            case RANDOM -> {
                Initial.uniform(first, 1 / Math.sqrt(width), random);
                Initial.uniform(second, 1 / Math.sqrt(second.cols()), random);
            }
            default -> Initial.uniform(first, 1 / Math.sqrt(width), random); // kaiming_uniform(a=√5), as PEFT
        }
        a = new Parameter(site.name() + ".lora_A.weight", first, r, site.in(), site.kernelHeight(), site.kernelWidth());
        b = new Parameter(site.name() + ".lora_B.weight", second, site.out(), r / site.groups(), 1, 1);
    }

    private static void require(LoraConfig config, ConvSite site, int r) {
        switch (config.init().kind()) {
            case DEFAULT, GAUSSIAN, RANDOM -> {}
            default ->
                throw new BadInputException("init_lora_weights " + config.init().toJson()
                        + " was asked for at the convolution " + site.name()
                        + ", where PEFT has true, false and gaussian. Use one of these, or name linear layers only.");
        }
        if (r % site.groups() != 0) {
            throw new BadInputException("LoRA of rank " + r + " was asked for at " + site.name() + ", a convolution of "
                    + site.groups() + " groups. Use a multiple of them as rank, or leave the layer out.");
        }
    }

    /** Number of the elements of A and B. */
    static long count(ConvSite site, int r) {
        return (long) r * site.in() * site.taps() + (long) site.out() * (r / site.groups());
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(a, b);
    }

    @Override
    public void forward(Call call, Patches patches, Node x, Node y) {
        addUpdate(call.pass(), patches, dropped(call.pass(), x), y);
    }

    /** What A gets of x: less of it while training with dropout. */
    final Node dropped(Pass pass, Node x) {
        return Products.dropped(pass, dropout, x);
    }

    /** {@code y += s · (x * A) Bᵀ}, in place. */
    final void addUpdate(Pass pass, Patches patches, Node x, Node y) {
        Node h = pass.node(pass.allocate(y.value().rows(), a.value().rows()));
        MatrixEngine matrices = pass.backend().matrices();
        Convolutions.convolve(pass, matrices, patches, 1, x, pass.node(a), 0, h);
        if (site.groups() == 1) {
            Products.addLinear(pass, y, scaling, h, pass.node(b));
            return;
        }
        Patches single = Patches.of(patches.outHeight(), patches.outWidth(), 1, 1, 1, 0);
        Node change = pass.node(pass.allocate(y.value().rows(), site.out()));
        Convolutions.convolve(pass, matrices, single, site.groups(), h, pass.node(b), 0, change);
        Products.addScaled(pass, y, scaling, change);
    }

    /**
     * {@code W + s · B A}, in place.
     *
     * @throws BadInputException if the convolution has groups, as in PEFT: the update joins channels that they keep apart
     */
    @Override
    public void mergeInto(Backend backend, Tensor weight) {
        if (site.groups() > 1) {
            throw new BadInputException(
                    "the adapter at " + site.name() + ", a convolution of " + site.groups()
                            + " groups, was to be merged; its change joins channels that the groups keep apart. Keep it apart.");
        }
        backend.matrices().gemm(false, false, scaling, b.value(), a.value(), 1, weight);
    }
}
