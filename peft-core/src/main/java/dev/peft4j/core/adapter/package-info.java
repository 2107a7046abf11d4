/**
 * The adapter contract. An {@link dev.peft4j.core.adapter.Adapter} acts at the sites of a model and owns parameters; a {@link
 * dev.peft4j.core.adapter.PeftMethod} makes one from a {@link dev.peft4j.core.adapter.PeftConfig}; a {@link
 * dev.peft4j.core.adapter.PeftModel} holds an immutable base and named adapters; {@link dev.peft4j.core.adapter.Call} is one
 * run of a model with the adapters that are active in it.
 */
@NullMarked
package dev.peft4j.core.adapter;

import org.jspecify.annotations.NullMarked;
