/** Many adapters on one base: by name, per sequence, in sums of weights, and merged into copies of it. */
@NullMarked
package dev.peft4j.core.compose;

import org.jspecify.annotations.NullMarked;
