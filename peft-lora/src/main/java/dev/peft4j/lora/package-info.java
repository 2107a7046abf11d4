/**
 * Low-rank adaptation and its variants on linear layers and embeddings (rsLoRA, DoRA, PiSSA, OLoRA, biases, rows of tokens): {@link
 * dev.peft4j.lora.LoraConfig} says what to attach, one file per variant is the math, {@link dev.peft4j.lora.LoraMethod} makes an adapter. {@link
 * dev.peft4j.lora.LoraCombination} makes one adapter of several, {@link dev.peft4j.lora.LoraConversion} one of any other method. The other methods
 * have packages of their own.
 *
 * <p>Shapes, here and there: T tokens of the packed batch, I and O input and output features, R rank, V vocabulary, C columns of an embedding.
 */
@NullMarked
package dev.peft4j.lora;

import org.jspecify.annotations.NullMarked;
