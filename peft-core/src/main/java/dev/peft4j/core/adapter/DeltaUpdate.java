package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.KeptValue;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.site.Site;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Initial;
import dev.peft4j.core.tensor.Tensor;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** An update whose change of the weight is computed as a whole: {@code y += s · x ΔWᵀ}. Passes that only infer keep it for each other. */
public abstract class DeltaUpdate implements LinearUpdate {
    private final double scaling;
    private final double rankDropout;
    private final double moduleDropout;
    private final boolean rescale;
    private final KeptValue kept = new KeptValue(); // ΔW

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

    /** A parameter of a layer that starts as PEFT's: kaiming_uniform(a=√5) = U(±1/√cols). */
    protected static Parameter uniform(
            Site site, String name, Backend backend, int rows, int cols, RandomGenerator random) {
        return uniform(site, name, backend, rows, cols, random, rows, cols);
    }

    /** The same with the dimensions that it has in files. */
    protected static Parameter uniform(
            Site site, String name, Backend backend, int rows, int cols, RandomGenerator random, int... shape) {
        Tensor t = Tensor.allocate(backend.dtype(), rows, cols);
        Initial.uniform(t, 1 / Math.sqrt(cols), random);
        return new Parameter(site.name() + "." + name, t, shape);
    }

    /** ΔW, of the dimensions of the weight, not scaled. */
    protected abstract Node delta(Pass pass);

    @Override
    public final void forward(Call call, Node x, Node y) {
        add(call.pass(), y, new Product() {
            @Override
            public void addTo(Node out, double factor, Node delta) {
                Products.addLinear(call.pass(), out, factor, x, delta);
            }

            @Override
            public Node of(Node delta) {
                return Products.linear(call.pass(), x, delta);
            }
        });
    }

    /** What a layer does with a weight. */
    public interface Product {
        /** {@code out += factor · x ΔWᵀ}. */
        void addTo(Node out, double factor, Node delta);

        /** {@code x ΔWᵀ}. */
        Node of(Node delta);
    }

    /** Changes y, the output of a layer of any kind, in place. */
    public final void add(Pass pass, Node y, Product product) {
        if (pass.isTraining() && moduleDropout > 0 && draw(pass.nextSeed()) < moduleDropout) {
            return;
        }
        Node delta = keptOrNew(pass);
        if (!pass.isTraining() || rankDropout == 0) {
            product.addTo(y, scaling, delta);
            return;
        }
        // a row of ΔW is a column of the output
        Node change = product.of(delta);
        Node kept = pass.node(keptRows(pass, y.value().cols()));
        Products.addScaled(pass, y, scaling, Products.scaleColumns(pass, change, kept));
    }

    /** ΔW; that of earlier passes where nothing is derived. */
    private Node keptOrNew(Pass pass) {
        if (KeptValue.serves(pass)) {
            return pass.node(kept.get(
                    pass, KeptValue.version(parameters()), () -> delta(pass).value()));
        }
        if (pass.isTraining()) {
            kept.free(); // it is as large as the weight, and stale after the step
        }
        return delta(pass);
    }

    private static double draw(long seed) {
        return new SplittableRandom(seed).nextDouble();
    }

    private Tensor keptRows(Pass pass, int rows) {
        SplittableRandom random = new SplittableRandom(pass.nextSeed());
        double[] keep = new double[rows];
        int count = 0;
        for (int i = 0; i < rows; i++) {
            keep[i] = random.nextDouble() > rankDropout ? 1 : 0;
            count += (int) keep[i];
        }
        Tensor mask = pass.allocate(1, rows);
        mask.set(keep);
        if (rescale && count > 0) {
            pass.backend().kernels().scale((double) rows / count, mask);
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

    @Override
    public final void free() {
        kept.close();
    }
}
