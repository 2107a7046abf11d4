package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import java.util.SplittableRandom;

/** An update whose change of the weight is computed as a whole: {@code y += s · x ΔWᵀ}. */
public abstract class DeltaUpdate implements LinearUpdate {
    private final double scaling;
    private final double rankDropout;
    private final double moduleDropout;
    private final boolean rescale;

    /**
     * Common settings of such methods.
     *
     * @param scaling s
     * @param rankDropout probability with which a row of ΔW is dropped while training
     * @param moduleDropout probability with which all of it is dropped while training
     * @param rescale whether the rows that are left are divided by their share
     */
    protected DeltaUpdate(double scaling, double rankDropout, double moduleDropout, boolean rescale) {
        this.scaling = scaling;
        this.rankDropout = rankDropout;
        this.moduleDropout = moduleDropout;
        this.rescale = rescale;
    }

    /** ΔW (O, I), not scaled. */
    protected abstract Node delta(Pass pass);

    @Override
    public final void forward(Call call, Node x, Node y) {
        Pass pass = call.pass();
        if (pass.isTraining() && moduleDropout > 0 && draw(pass.nextSeed()) < moduleDropout) {
            return;
        }
        Node delta = delta(pass);
        if (!pass.isTraining() || rankDropout == 0) {
            Products.addLinear(pass, y, scaling, x, delta);
            return;
        }
        // a row of ΔW is a column of the output
        Node change = Products.linear(pass, x, delta);
        Node kept = pass.node(keptRows(pass, y.value().cols()));
        Products.addScaled(pass, y, scaling, Products.scaleColumns(pass, change, kept));
    }

    private static double draw(long seed) {
        return new SplittableRandom(seed).nextDouble();
    }

    private Tensor keptRows(Pass pass, int rows) {
        SplittableRandom random = new SplittableRandom(pass.nextSeed());
        Tensor mask = pass.allocate(1, rows);
        int kept = 0;
        for (int i = 0; i < rows; i++) {
            boolean keep = random.nextDouble() > rankDropout;
            mask.set(0, i, keep ? 1 : 0);
            kept += keep ? 1 : 0;
        }
        if (rescale && kept > 0) {
            for (int i = 0; i < rows; i++) {
                mask.set(0, i, mask.get(0, i) * rows / kept);
            }
        }
        return mask;
    }

    @Override
    public final void mergeInto(Backend backend, Tensor weight) {
        try (Arena arena = new Arena(backend.dtype());
                Pass pass = Pass.inference(backend, arena)) {
            backend.kernels().addScaled(scaling, delta(pass).value(), weight);
        }
    }
}
