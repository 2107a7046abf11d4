/** BitFit: trained copies of biases. */
@NullMarked
package dev.peft4j.adapters.bitfit;

import org.jspecify.annotations.NullMarked;
