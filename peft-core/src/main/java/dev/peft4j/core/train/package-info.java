/**
 * The training loop: records, packing, optimisers, schedules, evaluation, listeners.
 */
@NullMarked
package dev.peft4j.core.train;

import org.jspecify.annotations.NullMarked;
