package dev.peft4j.lora;

import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.site.ConvSite;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.FrozenWeight;

/**
 * Norms at a convolution of several groups, as PEFT has them: the elements of B (O, R / groups) are taken for a matrix (O / groups, R), and those of its product
 * with A (R, I · taps) for a weight (O, I / groups · taps).
 */
final class GroupNorms implements RowNorms {
    private final ConvSite site;
    private FrozenWeight weight; // (O, I / groups · taps)
    private final Parameter a; // (R, I · taps)
    private final Parameter b; // (O, R / groups)
    private final double scaling;

    GroupNorms(ConvSite site, FrozenWeight weight, Parameter a, Parameter b, double scaling) {
        this.site = site;
        this.weight = weight;
        this.a = a;
        this.b = b;
        this.scaling = scaling;
    }

    @Override
    public Tensor squares(Pass pass) {
        int rows = site.out() / site.groups();
        Tensor sum = pass.allocate(site.out(), site.width()); // W + s·B A
        pass.backend().kernels().writeRows(sum, weight::decodeRow);
        Tensor second = b.value().reshape(rows, a.value().rows());
        pass.backend()
                .matrices()
                .gemm(
                        false,
                        false,
                        scaling,
                        second,
                        a.value(),
                        1,
                        sum.reshape(rows, a.value().cols()));
        Tensor squares = pass.allocate(1, site.out());
        pass.backend().kernels().fill(0, squares);
        pass.backend().kernels().addRowDots(1, sum, sum, squares);
        return squares;
    }

    @Override
    public int size() {
        return site.out();
    }

    @Override
    public long version() {
        return weight.version();
    }

    @Override
    public void useBase(FrozenWeight other, Backend backend) {
        weight = other;
    }
}
