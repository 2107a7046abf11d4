package dev.peft4j.core.tensor;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Everything between the products as row kernels in plain Java; see {@link HostRows}. */
final class HostKernels implements Kernels {
    private final Workers workers;
    private final HostRows rows;
    private final HostElements elements;
    private final HostNorms norms;
    private final HostColumns columns;
    private final HostActivations activations;
    private final HostSelection selection;
    private final HostLosses losses;
    private final TileProducts products;
    private final ImageKernels images;

    /** @param library what computes some of the products of attention, and convolutions, or null */
    HostKernels(Workers workers, @Nullable HostProducts library) {
        this.workers = workers;
        this.rows = new HostRows(workers);
        this.elements = new HostElements(rows);
        this.norms = new HostNorms(rows);
        this.columns = new HostColumns(workers);
        this.activations = new HostActivations(rows);
        this.selection = new HostSelection(rows);
        this.losses = new HostLosses(rows);
        this.products = new TileProducts(library);
        this.images = new HostImageKernels(rows, workers, library == null ? null : library.convolutions());
    }

    @Override
    public ImageKernels images() {
        return images;
    }

    @Override
    public void writeRows(Tensor to, RowTarget.Writer writer) {
        int grain = Math.max(1, HostRows.GRAIN / Math.max(1, to.cols()));
        workers.forRange(to.rows(), grain, (from, end) -> RowTarget.write(to, from, end, writer));
    }

    @Override
    public void copy(Tensor x, Tensor y) {
        rows.run(y, (r, a, b, c) -> y.copyRow(r, x, r));
    }

    @Override
    public void fill(double value, Tensor y) {
        int n = y.cols();
        float[] row = new float[n];
        Arrays.fill(row, (float) value);
        rows.run(y, (r, a, b, c) -> y.write(r, 0, row, 0, n));
    }

    @Override
    public void add(Tensor x1, Tensor x2, Tensor y) {
        elements.add(x1, x2, y);
    }

    @Override
    public void addScaled(double factor, Tensor x, Tensor y) {
        elements.addScaled(factor, x, y);
    }

    @Override
    public void scale(double factor, Tensor x) {
        elements.scale(factor, x);
    }

    @Override
    public void multiply(Tensor x1, Tensor x2, Tensor y) {
        elements.multiply(x1, x2, y);
    }

    @Override
    public void abs(Tensor x, Tensor y) {
        elements.abs(x, y);
    }

    @Override
    public void power(double exponent, Tensor x, Tensor y) {
        elements.power(exponent, x, y);
    }

    @Override
    public double dot(Tensor x1, Tensor x2) {
        double[] sums = new double[x1.rows()];
        int n = x1.cols();
        rows.run(x1, (r, a, b, c) -> {
            x1.read(r, 0, a, 0, n);
            x2.read(r, 0, b, 0, n);
            sums[r] = FastMath.dot(a, b, n);
        });
        return Arrays.stream(sums).sum();
    }

    @Override
    public void fillRows(@Nullable Tensor bias, Tensor y) {
        if (bias != null) {
            rows.run(y, (r, a, b, c) -> y.copyRow(r, bias, 0));
            return;
        }
        int n = y.cols();
        rows.run(y, (r, a, b, c) -> {
            Arrays.fill(a, 0, n, 0f);
            y.write(r, 0, a, 0, n);
        });
    }

    @Override
    public void addColumnSums(Tensor x, Tensor sum) {
        columns.addSums(x, sum);
    }

    @Override
    public void scaleColumns(Tensor x, Tensor factors, Tensor y) {
        elements.scaleColumns(x, factors, y);
    }

    @Override
    public void scaleRows(Tensor x, Tensor factors, Tensor y) {
        elements.scaleRows(x, factors, y);
    }

    @Override
    public void addRowDots(double factor, Tensor x, Tensor y, Tensor sum) {
        int n = x.cols();
        rows.run(x, (r, a, b, c) -> {
            x.read(r, 0, a, 0, n);
            y.read(r, 0, b, 0, n);
            sum.put(0, r, sum.value(0, r) + factor * FastMath.dot(a, b, n));
        });
    }

    @Override
    public void addColumnDots(Tensor x, Tensor y, Tensor factors, Tensor sum) {
        columns.addDots(x, y, factors, sum);
    }

    @Override
    public void gather(int[] ids, Tensor table, Tensor y) {
        rows.run(y, (r, a, b, c) -> y.copyRow(r, table, ids[r]));
    }

    @Override
    public void scatter(int[] ids, Tensor x, Tensor table) {
        selection.scatter(ids, x, table);
    }

    @Override
    public void gatherColumns(int[] ids, Tensor table, Tensor y) {
        selection.gatherColumns(ids, table, y);
    }

    @Override
    public void scatterColumns(int[] ids, Tensor x, Tensor table) {
        selection.scatterColumns(ids, x, table);
    }

    @Override
    public void scatterAddColumns(int[] ids, Tensor x, Tensor table) {
        selection.scatterAddColumns(ids, x, table);
    }

    @Override
    public int[] argmax(Tensor x) {
        return selection.argmax(x);
    }

    @Override
    public void scatterAdd(int[] ids, Tensor x, Tensor table) {
        int n = x.cols();
        float[] row = Scratch.array(0, n);
        float[] sum = Scratch.array(1, n);
        for (int r = 0; r < ids.length; r++) {
            x.read(r, 0, row, 0, n);
            table.read(ids[r], 0, sum, 0, n);
            for (int i = 0; i < n; i++) {
                sum[i] += row[i];
            }
            table.write(ids[r], 0, sum, 0, n);
        }
    }

    @Override
    public void layerNorm(Tensor x, Tensor weight, Tensor bias, double eps, Tensor y, Tensor stats) {
        norms.layerNorm(x, weight, bias, eps, y, stats);
    }

    @Override
    public void layerNormBackward(
            Tensor dy,
            Tensor x,
            Tensor weight,
            Tensor stats,
            @Nullable Tensor dx,
            boolean accumulate,
            @Nullable Tensor dWeight,
            @Nullable Tensor dBias) {
        norms.layerNormBackward(dy, x, weight, stats, dx, accumulate, dWeight);
        if (dBias != null) {
            addColumnSums(dy, dBias);
        }
    }

    @Override
    public void rmsNorm(Tensor x, Tensor weight, double eps, Tensor y, Tensor stats) {
        norms.rmsNorm(x, weight, eps, y, stats);
    }

    @Override
    public void rmsNormBackward(
            Tensor dy,
            Tensor x,
            Tensor weight,
            Tensor stats,
            @Nullable Tensor dx,
            boolean accumulate,
            @Nullable Tensor dWeight) {
        norms.rmsNormBackward(dy, x, weight, stats, dx, accumulate, dWeight);
    }

    @Override
    public void activation(Activation f, Tensor x, Tensor y) {
        activations.forward(f, x, y);
    }

    @Override
    public void activationBackward(Activation f, Tensor dy, Tensor x, Tensor dx, boolean accumulate) {
        activations.backward(f, dy, x, dx, accumulate);
    }

    @Override
    public void swiGlu(Tensor gate, Tensor up, Tensor y) {
        activations.swiGlu(gate, up, y);
    }

    @Override
    public void swiGluBackward(
            Tensor dy,
            Tensor gate,
            Tensor up,
            @Nullable Tensor dGate,
            boolean accumulateGate,
            @Nullable Tensor dUp,
            boolean accumulateUp) {
        activations.swiGluBackward(dy, gate, up, dGate, accumulateGate, dUp, accumulateUp);
    }

    @Override
    public void dropout(double p, long seed, Tensor x, Tensor y) {
        elements.dropout(p, seed, x, y);
    }

    @Override
    public void rotate(Tensor x, int heads, int[] positions, Tensor cosines, Tensor sines, boolean inverse) {
        int n = x.cols();
        int half = cosines.cols();
        rows.run(x, (r, a, b, c) -> {
            cosines.read(positions[r], 0, b, 0, half);
            sines.read(positions[r], 0, c, 0, half);
            x.read(r, 0, a, 0, n);
            FastMath.rotate(a, b, c, inverse ? -1f : 1f, heads, n / heads, half);
            x.write(r, 0, a, 0, n);
        });
    }

    @Override
    public void attention(
            AttentionShape s, Tensor q, Tensor k, Tensor v, @Nullable Distances distances, Tensor stats, Tensor y) {
        new HostAttention(products, s, q, k, v, distances, stats, y).run(workers);
    }

    @Override
    public void attentionBackward(
            AttentionShape s,
            Tensor dy,
            Tensor q,
            Tensor k,
            Tensor v,
            @Nullable Distances distances,
            Tensor stats,
            Tensor y,
            Tensor dq,
            Tensor dk,
            Tensor dv,
            @Nullable Tensor dQueries,
            @Nullable Tensor dKeys) {
        HostDistances added = distances == null ? null : new HostDistances(s, distances, dQueries, dKeys);
        new HostAttentionBackward(products, s, dy, q, k, v, added, stats, y, dq, dk, dv).run(workers);
    }

    @Override
    public double crossEntropy(Tensor logits, int[] labels, double scale) {
        return losses.crossEntropy(logits, labels, scale);
    }

    @Override
    public double squaredError(Tensor z, float[] targets, double scale, @Nullable Tensor dz) {
        return losses.squaredError(z, targets, scale, dz);
    }

    @Override
    public double binaryCrossEntropy(Tensor z, float[] targets, double scale, @Nullable Tensor dz) {
        return losses.binaryCrossEntropy(z, targets, scale, dz);
    }

    @Override
    public double sumOfSquares(Tensor x) {
        return dot(x, x);
    }

    @Override
    public void adamW(
            Tensor value,
            Tensor grad,
            Tensor m,
            Tensor v,
            double rate,
            double beta1,
            double beta2,
            double eps,
            double decay,
            int step) {
        int n = value.cols();
        float keep = (float) (1 - rate * decay);
        float b2 = (float) beta2;
        float rest1 = (float) (1 - beta1);
        float rest2 = (float) (1 - beta2); // of 0.999 in floats, 1 - b2 has five digits only
        float size = (float) (rate / (1 - Math.pow(beta1, step)));
        float root = (float) (1 / Math.sqrt(1 - Math.pow(beta2, step)));
        rows.run(value, (r, p, g, mean) -> {
            float[] square = Scratch.array(5, n);
            value.read(r, 0, p, 0, n);
            grad.read(r, 0, g, 0, n);
            m.read(r, 0, mean, 0, n);
            v.read(r, 0, square, 0, n);
            for (int i = 0; i < n; i++) {
                mean[i] += rest1 * (g[i] - mean[i]);
                square[i] = b2 * square[i] + rest2 * g[i] * g[i];
                p[i] = p[i] * keep - size * mean[i] / ((float) Math.sqrt(square[i]) * root + (float) eps);
            }
            value.write(r, 0, p, 0, n);
            m.write(r, 0, mean, 0, n);
            v.write(r, 0, square, 0, n);
        });
    }
}
