/** Tuning of norms: trained copies of their weights and biases. */
@NullMarked
package dev.peft4j.adapters.norms;

import org.jspecify.annotations.NullMarked;
