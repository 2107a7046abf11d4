package dev.peft4j.lora;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Decompositions;
import dev.peft4j.core.tensor.Initial;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.FrozenWeight;
import java.util.random.RandomGenerator;

/**
 * First values of A (R, I) and B (O, R). Those that are taken from the base give {@code s · B A} its R strongest directions.
 *
 * @param a (R, I)
 * @param b (O, R)
 */
record LoraFactors(Tensor a, Tensor b) {

    static LoraFactors of(
            LoraInit init, int r, double scaling, FrozenWeight weight, Backend backend, RandomGenerator random) {
        int out = weight.out();
        int in = weight.in();
        if (init.isTakenFromBase()) {
            requireRank(r, weight, init);
        }
        if (init.kind() == LoraInit.Kind.ORTHOGONAL && r % 2 != 0) {
            throw new BadInputException("init_lora_weights orthogonal was asked for with r = " + r
                    + "; it needs an even rank. Use " + (r + 1) + ".");
        }
        if (init.kind() == LoraInit.Kind.MICA) {
            throw new BadInputException("init_lora_weights mica was asked for; such adapters are read, and not"
                    + " made here. Use pissa, olora or the default.");
        }
        LoraFactors f = new LoraFactors(Tensor.allocate(backend.dtype(), r, in), Tensor.zeros(backend.dtype(), out, r));
        try {
            f.start(init, scaling, weight, random);
            return f;
        } catch (RuntimeException | Error e) {
            f.a.close();
            f.b.close();
            throw e;
        }
    }

    private void start(LoraInit init, double scaling, FrozenWeight weight, RandomGenerator random) {
        int in = a.cols();
        int r = a.rows();
        switch (init.kind()) {
            case DEFAULT ->
                Initial.uniform(a, 1 / Math.sqrt(in), random); // kaiming_uniform(a=√5) = U(-1/√in, 1/√in), as PEFT
            case GAUSSIAN -> Initial.gaussian(a, 1.0 / r, random);
            case RANDOM -> {
                Initial.uniform(a, 1 / Math.sqrt(in), random);
                Initial.uniform(b, 1 / Math.sqrt(r), random);
            }
            case ORTHOGONAL -> orthogonal(r, random);
            case PISSA -> {
                StoppedException.ifInterrupted("layers were to be decomposed");
                pissa(init, scaling, weight, random);
            }
            case OLORA -> {
                StoppedException.ifInterrupted("layers were to be decomposed");
                olora(weight);
            }
            case MICA -> throw new AssertionError(init);
        }
    }

    /** PEFT: with Q orthogonal (R, R), A is spanned by its even rows, B by its odd ones, both divided by 10; so B A = 0. */
    private void orthogonal(int r, RandomGenerator random) {
        double[] q = Decompositions.qr(normal(r * r, random), r, r).q();
        double[] x = normal(a.cols() * r / 2, random);
        double[] y = normal(b.rows() * r / 2, random);
        for (int j = 0; j < r; j++) {
            for (int i = 0; i < a.cols(); i++) {
                double sum = 0;
                for (int k = 0; k < r / 2; k++) {
                    sum += x[i * r / 2 + k] * q[2 * k * r + j];
                }
                a.set(j, i, sum / 10);
            }
            for (int o = 0; o < b.rows(); o++) {
                double sum = 0;
                for (int k = 0; k < r / 2; k++) {
                    sum += y[k * b.rows() + o] * q[(2 * k + 1) * r + j];
                }
                b.set(o, j, sum / 10);
            }
        }
    }

    private static double[] normal(int n, RandomGenerator random) {
        double[] values = new double[n];
        for (int i = 0; i < n; i++) {
            values[i] = random.nextGaussian();
        }
        return values;
    }

    /** W ≈ U S Vᵀ of rank R, {@code A = √(S/s) Vᵀ}, {@code B = U √(S/s)} (Meng et al. 2024, equations 2 and 3). */
    private void pissa(LoraInit init, double scaling, FrozenWeight weight, RandomGenerator random) {
        int r = a.rows();
        Decompositions.Svd svd = init.iterations() == 0
                ? Decompositions.svd(weight.toDoubles(), weight.out(), weight.in())
                : LowRank.randomSvd(weight.toDoubles(), weight.out(), weight.in(), r, init.iterations(), random);
        fill(svd, scaling);
    }

    /** {@code A = √(S/s) Vᵀ}, {@code B = U √(S/s)} of the R largest singular values. */
    void fill(Decompositions.Svd svd, double scaling) {
        for (int k = 0; k < a.rows(); k++) {
            double root = k < svd.size() ? Math.sqrt(svd.s()[k] / scaling) : 0;
            for (int i = 0; i < a.cols(); i++) {
                a.set(k, i, root == 0 ? 0 : root * svd.vt(k, i));
            }
            for (int o = 0; o < b.rows(); o++) {
                b.set(o, k, root == 0 ? 0 : svd.u(o, k) * root);
            }
        }
    }

    /** W = Q R, {@code B = Q[:, :R]}, {@code A = R[:R]} (Büyükakyüz 2024, <a href="https://arxiv.org/abs/2406.01775">paper</a>, section 3). */
    private void olora(FrozenWeight weight) {
        int r = a.rows();
        int k = Math.min(weight.out(), weight.in());
        Decompositions.Qr qr = Decompositions.qr(weight.toDoubles(), weight.out(), weight.in());
        for (int j = 0; j < r; j++) {
            for (int i = 0; i < a.cols(); i++) {
                a.set(j, i, qr.r()[j * a.cols() + i]);
            }
            for (int o = 0; o < b.rows(); o++) {
                b.set(o, j, qr.q()[o * k + j]);
            }
        }
    }

    private static void requireRank(int r, FrozenWeight weight, LoraInit init) {
        int most = Math.min(weight.out(), weight.in());
        if (r > most) {
            throw new BadInputException("init_lora_weights " + init.toJson() + " was asked for with r = " + r
                    + "; a weight of " + weight.out() + " x " + weight.in() + " has rank " + most
                    + " at most. Use a smaller r.");
        }
    }
}
