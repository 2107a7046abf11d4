/** AdaLoRA: low-rank updates that share a budget of ranks. */
@NullMarked
package dev.peft4j.lora.adalora;

import org.jspecify.annotations.NullMarked;
