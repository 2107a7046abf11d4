/**
 * Files of llama.cpp, read and written without it.
 *
 * <p>{@link dev.peft4j.models.gguf.GgufFile} opens a file and decodes rows, {@link dev.peft4j.models.gguf.GgufWriter} writes one. {@link
 * dev.peft4j.models.gguf.GgufAdapter} makes a LoRA adapter of PEFT into a file that llama.cpp loads beside its base, {@link
 * dev.peft4j.models.gguf.GgufConversion} a base with its tokenizer into a Hugging Face directory. What a file says is not trusted: {@code GgufHeader} checks it
 * against the size of the file before anything is allocated. {@code HeadRows} has the one difference between the weights of both worlds, {@code LayerNames} their
 * names.
 */
@NullMarked
package dev.peft4j.models.gguf;

import org.jspecify.annotations.NullMarked;
