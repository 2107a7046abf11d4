/**
 * The adapter contract. An {@link dev.peft4j.core.adapter.Adapter} acts at the sites of a model and owns parameters; a {@link
 * dev.peft4j.core.adapter.PeftMethod} makes one from a {@link dev.peft4j.core.adapter.PeftConfig}; {@link dev.peft4j.core.adapter.Call} is one
 * run of a model with the adapters that are active in it; {@link dev.peft4j.core.adapter.AdapterFiles} are PEFT's directories. Most methods are a
 * {@link dev.peft4j.core.adapter.LinearUpdate} in a {@link dev.peft4j.core.adapter.LayeredAdapter}, with {@link
 * dev.peft4j.core.adapter.Attachment} in their config and {@link dev.peft4j.core.adapter.ConfigFields} to read it.
 */
@NullMarked
package dev.peft4j.core.adapter;

import org.jspecify.annotations.NullMarked;
