/**
 * The layers that model families are written with. Each has its forward pass and, beside it, the backward pass that the tape runs.
 */
@NullMarked
package dev.peft4j.core.layer;

import org.jspecify.annotations.NullMarked;
