/**
 * Model families, each one file that reads like its paper: {@link dev.peft4j.models.Gpt2Family}, {@link dev.peft4j.models.LlamaFamily} and {@link dev.peft4j.models.BertFamily}.
 *
 * <p>{@link dev.peft4j.models.Models} opens a Hugging Face directory, {@link dev.peft4j.models.TextTokenizer} its {@code tokenizer.json},
 * and {@link dev.peft4j.models.TextGenerator} continues texts. The files of a tokenizer are checked part by part ({@code TokenizerFile}) and mean what they mean
 * in transformers ({@code TokenizerClass}).
 */
@NullMarked
package dev.peft4j.models;

import org.jspecify.annotations.NullMarked;
