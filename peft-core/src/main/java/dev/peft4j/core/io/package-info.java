/**
 * Files of the Hugging Face formats: safetensors, sharded checkpoints, atomic writes.
 */
@NullMarked
package dev.peft4j.core.io;

import org.jspecify.annotations.NullMarked;
