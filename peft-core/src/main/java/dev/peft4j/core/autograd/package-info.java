/**
 * Reverse-mode differentiation: a {@link dev.peft4j.core.autograd.Pass} runs operations forwards, remembers how to derive those
 * that something trainable depends on, and runs the derivatives backwards. {@link dev.peft4j.core.autograd.Node} is a value in a
 * pass, {@link dev.peft4j.core.autograd.Parameter} a tensor that outlives it and is trained; {@link dev.peft4j.core.autograd.Products} are the
 * operations that most adapter methods are made of.
 */
@NullMarked
package dev.peft4j.core.autograd;

import org.jspecify.annotations.NullMarked;
