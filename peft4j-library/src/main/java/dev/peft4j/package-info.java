/**
 * The short API: what an application needs to fine-tune a model of a directory and to use what came of it.
 *
 * <pre>
 * TextModel       a model directory: tokenizer, base, adapters by name
 * Dataset         records, and those that are held out
 * Training        how to train, where to write, whom to tell, how to stop
 * FineTuned       a trained adapter on its base: report, text, classes, files
 * TextClassifier  labels of texts, as {@link dev.peft4j.Prediction}s
 * TokenTagger     tags of words, and the {@link dev.peft4j.Entity entities} of a text
 * QuestionAnswerer  the {@link dev.peft4j.Span} of a text that answers a question
 * TextEncoder     vectors of texts, and which are near to each other
 * </pre>
 *
 * <p>It stands on the layer beneath, which an application may use as well: {@code dev.peft4j.core}, {@code dev.peft4j.models}, and the packages of the
 * methods, whose configs it takes. What happens is logged by SLF4J.
 */
@NullMarked
package dev.peft4j;

import org.jspecify.annotations.NullMarked;
