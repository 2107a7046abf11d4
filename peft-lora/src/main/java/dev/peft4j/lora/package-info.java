/**
 * Low-rank adaptation: {@link dev.peft4j.lora.LoraConfig} says what to attach, {@link dev.peft4j.lora.LoraAdapter} is the math, {@link
 * dev.peft4j.lora.LoraMethod} makes one from the other.
 */
@NullMarked
package dev.peft4j.lora;

import org.jspecify.annotations.NullMarked;
