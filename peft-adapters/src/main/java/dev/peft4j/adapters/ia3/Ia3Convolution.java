package dev.peft4j.adapters.ia3;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.ConvUpdate;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.site.ConvSite;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Patches;
import dev.peft4j.core.tensor.Tensor;
import java.util.Arrays;
import java.util.random.RandomGenerator;

/**
 * Scaling of the channels of a convolution by learned factors: {@code y = (x * W + b) ⊙ l}, or {@code y = (x ⊙ l) * W + b} where the layer is one of a
 * feed-forward. As {@link Ia3Layer} otherwise.
 *
 * <p>Shapes: l (1, O) or (1, I), in files (1, O, 1, 1) or (1, I, 1, 1).
 */
final class Ia3Convolution extends Ia3Update implements ConvUpdate {
    private final ConvSite site;

    Ia3Convolution(Ia3Config config, ConvSite site, boolean input, Backend backend, RandomGenerator random) {
        super(config, site, input, backend, random, 1, input ? site.in() : site.out(), 1, 1);
        this.site = site;
    }

    @Override
    public void forward(Call call, Patches patches, Node x, Node y) {
        scaleOutput(call, y);
    }

    /** The factor of an input channel is that of all pixels of the kernel; each group of outputs reads its own channels. */
    @Override
    public void mergeInto(Backend backend, Tensor weight) {
        if (!input) {
            backend.kernels().scaleRows(weight, factors(), weight);
            return;
        }
        double[] each = factors().toDoubles();
        double[] repeated = new double[each.length * site.taps()];
        Arrays.setAll(repeated, i -> each[i / site.taps()]);
        int rows = site.out() / site.groups();
        try (Tensor columns = Tensor.allocate(backend.dtype(), 1, repeated.length)) {
            columns.set(repeated);
            for (int g = 0; g < site.groups(); g++) {
                Tensor part = weight.rows(g * rows, rows);
                backend.kernels().scaleColumns(part, columns.columns(g * site.width(), site.width()), part);
            }
        }
    }
}
