/** LoHa: the elementwise product of two low-rank updates. */
@NullMarked
package dev.peft4j.lora.loha;

import org.jspecify.annotations.NullMarked;
