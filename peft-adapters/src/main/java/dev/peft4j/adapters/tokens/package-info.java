/** Trained rows of the embedding for some tokens. */
@NullMarked
package dev.peft4j.adapters.tokens;

import org.jspecify.annotations.NullMarked;
