/**
 * The matrices of a base model in the form in which they are kept: single precision, 16 bits as in the checkpoint, or any other that a module brings.
 *
 * <p>Shape letters: O output and I input features, V vocabulary, C hidden size, T tokens.
 */
@NullMarked
package dev.peft4j.core.weight;

import org.jspecify.annotations.NullMarked;
