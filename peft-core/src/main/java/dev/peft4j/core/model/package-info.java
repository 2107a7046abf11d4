/**
 * What the rest of the library knows of a model: its tensors by checkpoint name, its sites, its loss. Families live in {@code
 * peft-models}.
 */
@NullMarked
package dev.peft4j.core.model;

import org.jspecify.annotations.NullMarked;
