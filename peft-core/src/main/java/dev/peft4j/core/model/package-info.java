/**
 * What the rest of the library knows of a model: its tensors by checkpoint name, its sites, its loss; families live in {@code peft-models}. And several
 * adapters on one model: {@link dev.peft4j.core.model.PeftModel} names them, {@link dev.peft4j.core.model.Active} chooses them for a call, {@link
 * dev.peft4j.core.model.MergedAdapter} puts them into copies of the weights.
 */
@NullMarked
package dev.peft4j.core.model;

import org.jspecify.annotations.NullMarked;
