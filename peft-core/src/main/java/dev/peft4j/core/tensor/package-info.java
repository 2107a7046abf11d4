/**
 * Matrices in native memory and the two engines that work on them.
 *
 * <ul>
 *   <li>{@link dev.peft4j.core.tensor.Tensor}: a (rows, cols) matrix; everything in this library has two dimensions
 *   <li>{@link dev.peft4j.core.tensor.Arena}: the memory of one step, used again by the next one
 *   <li>{@link dev.peft4j.core.tensor.MatrixEngine} and {@link dev.peft4j.core.tensor.Kernels}: products, and all else
 *   <li>{@link dev.peft4j.core.tensor.Backend}: the pair in use: strided BLAS and row kernels for f32 on the CPU, or ND4J
 * </ul>
 *
 * <p>Shape letters, here and everywhere: T tokens of the packed batch, C hidden size, N heads, H head size, V vocabulary, R
 * rank, I and O in and out features. Weights are (out, in).
 */
@NullMarked
package dev.peft4j.core.tensor;

import org.jspecify.annotations.NullMarked;
