/** LoKr: the Kronecker product of two small matrices. */
@NullMarked
package dev.peft4j.lora.lokr;

import org.jspecify.annotations.NullMarked;
