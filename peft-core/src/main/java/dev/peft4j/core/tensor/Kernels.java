package dev.peft4j.core.tensor;

import org.jspecify.annotations.Nullable;

/**
 * Everything between the matrix products. Backward methods add to their result if {@code accumulate}, else overwrite it; the
 * gradients of parameters are always added to. Results may be the same tensor as an input of the same dimensions.
 */
public interface Kernels {
    /** What networks of images need beside these. */
    ImageKernels images();

    /** Writes all rows of a tensor on the threads of the engine. */
    void writeRows(Tensor to, RowTarget.Writer writer);

    /** {@code y = x}; both in the number format of the engine. */
    void copy(Tensor x, Tensor y);

    /** Every element of y becomes the value. */
    void fill(double value, Tensor y);

    /** {@code y = a + b}. */
    void add(Tensor a, Tensor b, Tensor y);

    /** {@code y += factor · x}. */
    void addScaled(double factor, Tensor x, Tensor y);

    /** {@code x = factor · x}. */
    void scale(double factor, Tensor x);

    /** {@code y = a · b}, element by element. */
    void multiply(Tensor a, Tensor b, Tensor y);

    /** {@code y = |x|}, element by element. */
    void abs(Tensor x, Tensor y);

    /** {@code y = x^exponent}, element by element. */
    void power(double exponent, Tensor x, Tensor y);

    /** The sum of {@code a · b}, element by element. */
    double dot(Tensor a, Tensor b);

    /** Every row of y becomes the bias (1, cols), or zero without one. */
    void fillRows(@Nullable Tensor bias, Tensor y);

    /** {@code sum (1, cols) += the sum of the rows of x}. */
    void addColumnSums(Tensor x, Tensor sum);

    /** {@code y = x · factors} for each column; factors (1, cols). */
    void scaleColumns(Tensor x, Tensor factors, Tensor y);

    /** {@code y = x · factors} for each row; factors (1, rows). */
    void scaleRows(Tensor x, Tensor factors, Tensor y);

    /** {@code sum (1, rows) += factor · the sum over the columns of x · y}. */
    void addRowDots(double factor, Tensor x, Tensor y, Tensor sum);

    /** {@code sum (1, cols) += factors · the sum over the rows of x · y}. */
    void addColumnDots(Tensor x, Tensor y, Tensor factors, Tensor sum);

    /** {@code y[i] = table[ids[i]]}. */
    void gather(int[] ids, Tensor table, Tensor y);

    /** {@code table[ids[i]] = x[i]}; of an id that is there twice, the last row counts. */
    void scatter(int[] ids, Tensor x, Tensor table);

    /** {@code y[i, :] = table[:, ids[i]]}: columns become rows. */
    void gatherColumns(int[] ids, Tensor table, Tensor y);

    /** {@code table[:, ids[i]] = x[i, :]}; of an id that is there twice, the last row counts. */
    void scatterColumns(int[] ids, Tensor x, Tensor table);

    /** {@code table[:, ids[i]] += x[i, :]}, in the order of i. */
    void scatterAddColumns(int[] ids, Tensor x, Tensor table);

    /** The column of the greatest element of each row, the first of several. */
    int[] argmax(Tensor x);

    /** {@code table[ids[i]] += x[i]}, in the order of i. */
    void scatterAdd(int[] ids, Tensor x, Tensor table);

    /** Layer norm (Ba et al. 2016): {@code y = (x - mean)·rstd·weight + bias}; stats (T, 2) keeps mean and rstd. */
    void layerNorm(Tensor x, Tensor weight, Tensor bias, double eps, Tensor y, Tensor stats);

    /** Derivative of {@link #layerNorm}; dWeight and dBias are null where the parameters are frozen, dx where x is. */
    void layerNormBackward(
            Tensor dy,
            Tensor x,
            Tensor weight,
            Tensor stats,
            @Nullable Tensor dx,
            boolean accumulate,
            @Nullable Tensor dWeight,
            @Nullable Tensor dBias);

    /** RMS norm (Zhang and Sennrich 2019): {@code y = x·rstd·weight}; stats (T, 1) keeps rstd. */
    void rmsNorm(Tensor x, Tensor weight, double eps, Tensor y, Tensor stats);

    /** Derivative of {@link #rmsNorm}. */
    void rmsNormBackward(
            Tensor dy,
            Tensor x,
            Tensor weight,
            Tensor stats,
            @Nullable Tensor dx,
            boolean accumulate,
            @Nullable Tensor dWeight);

    /** {@code y = f(x)}. */
    void activation(Activation f, Tensor x, Tensor y);

    /** {@code dx = dy · f'(x)}. */
    void activationBackward(Activation f, Tensor dy, Tensor x, Tensor dx, boolean accumulate);

    /** Gated activation (Shazeer 2020): {@code y = silu(gate) · up}. */
    void swiGlu(Tensor gate, Tensor up, Tensor y);

    /** Derivative of {@link #swiGlu}. */
    void swiGluBackward(
            Tensor dy,
            Tensor gate,
            Tensor up,
            @Nullable Tensor dGate,
            boolean accumulateGate,
            @Nullable Tensor dUp,
            boolean accumulateUp);

    /** Drops elements with probability p and scales the others by 1/(1-p); the same seed drops the same elements. */
    void dropout(double p, long seed, Tensor x, Tensor y);

    /**
     * Rotates pairs (i, i + H/2) of each head by the angle of its position, in place (Su et al. 2021, section 3.4).
     *
     * @param x (T, heads·H)
     * @param positions of the T rows
     * @param cosines (positions, H/2)
     * @param sines (positions, H/2)
     * @param inverse whether to rotate back, which is the derivative
     */
    void rotate(Tensor x, int heads, int[] positions, Tensor cosines, Tensor sines, boolean inverse);

    /**
     * What the distances of tokens add to the scores of attention (He et al. 2021, <a href="https://arxiv.org/abs/2006.03654">paper</a>, equation 4):
     * {@code factor · (queries[i, p] + keys[j, p])} for query i and key j of a sequence and each head, where p is the place of the distance i - j.
     *
     * @param places of all distances from -(n - 1) to n - 1, n being the longest sequence
     * @param factor of what is added
     * @param queries (T, N·P), what the queries make of each place; null for nothing
     * @param keys (keys, N·P), the same of the keys
     */
    record Distances(int[] places, double factor, @Nullable Tensor queries, @Nullable Tensor keys) {}

    /**
     * Scaled dot-product attention (Vaswani et al. 2017, section 3.2.1), for each sequence and head. No engine keeps the weights of all heads: of each query
     * and head only the log-sum-exp of its scores is left, from which the derivative computes them again (Dao et al. 2022, <a
     * href="https://arxiv.org/abs/2205.14135">paper</a>). The host engine holds a tile of scores for each thread, so its memory is linear in T.
     *
     * @param q (T, N·H)
     * @param k (keys, keyHeads·H)
     * @param v (keys, keyHeads·H)
     * @param distances what is added to the scores; null for nothing
     * @param stats (T, N); takes {@code log Σ e^score} of each query and head
     * @param y (T, N·H)
     */
    void attention(
            AttentionShape shape, Tensor q, Tensor k, Tensor v, @Nullable Distances distances, Tensor stats, Tensor y);

    /**
     * Derivative of {@link #attention}; overwrites dq, dk and dv, and what is given of the derivatives of the distances.
     *
     * @param dQueries (T, N·P), null if that is not asked for
     * @param dKeys (keys, N·P), null if that is not asked for
     */
    void attentionBackward(
            AttentionShape shape,
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
            @Nullable Tensor dKeys);

    /**
     * Cross entropy of each row with its label; the logits become {@code scale · d loss/d logits}.
     *
     * @return the sum of the losses of the rows, not scaled
     */
    double crossEntropy(Tensor logits, int[] labels, double scale);

    /**
     * Squared error, of each row the mean over its elements.
     *
     * @param targets row by row
     * @param dz becomes {@code scale · d loss/dz}; null if that is not asked for
     * @return the sum of the losses of the rows, not scaled
     */
    double squaredError(Tensor z, float[] targets, double scale, @Nullable Tensor dz);

    /** Binary cross entropy of logits, {@code -t log σ(z) - (1 - t) log(1 - σ(z))}, in the same way. */
    double binaryCrossEntropy(Tensor z, float[] targets, double scale, @Nullable Tensor dz);

    /** Sum of the squares of all elements. */
    double sumOfSquares(Tensor x);

    /**
     * One step of AdamW (Loshchilov and Hutter 2019, algorithm 2), in place.
     *
     * @param value parameter
     * @param grad its gradient
     * @param m running mean of the gradient
     * @param v running mean of its square
     * @param step from 1
     */
    void adamW(
            Tensor value,
            Tensor grad,
            Tensor m,
            Tensor v,
            double rate,
            double beta1,
            double beta2,
            double eps,
            double decay,
            int step);
}
