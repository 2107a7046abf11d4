/** IA3: learned factors of keys, values and of the inner activations of feed-forwards. */
@NullMarked
package dev.peft4j.adapters.ia3;

import org.jspecify.annotations.NullMarked;
