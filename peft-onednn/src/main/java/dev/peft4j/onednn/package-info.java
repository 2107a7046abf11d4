/**
 * Products by oneDNN (<a href="https://github.com/uxlfoundation/oneDNN">source</a>) for the engine of the host: {@link dev.peft4j.onednn.OneDnn} is found by the
 * service loader, keeps a few compiled products for each thread ({@code Primitives}), and lets OpenMP compute on the calling thread only ({@code OpenMp}).
 *
 * <p>Letters: a product is (M, K) times (K, N).
 */
@NullMarked
package dev.peft4j.onednn;

import org.jspecify.annotations.NullMarked;
