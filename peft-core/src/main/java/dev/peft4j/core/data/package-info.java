/**
 * What models read, and what is to be predicted: batches of sequences without padding and of images, and targets of each kind.
 *
 * <p>Shape letters: T tokens of a batch, B sequences or images, n numbers or labels of each.
 */
@NullMarked
package dev.peft4j.core.data;

import org.jspecify.annotations.NullMarked;
