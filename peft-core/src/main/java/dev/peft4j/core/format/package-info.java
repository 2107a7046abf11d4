/**
 * Files of the Hugging Face formats: safetensors, sharded checkpoints, atomic writes.
 */
@NullMarked
package dev.peft4j.core.format;

import org.jspecify.annotations.NullMarked;
