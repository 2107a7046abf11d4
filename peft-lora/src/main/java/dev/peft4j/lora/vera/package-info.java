/** VeRA: two trained vectors around random matrices that all layers share. */
@NullMarked
package dev.peft4j.lora.vera;

import org.jspecify.annotations.NullMarked;
