/**
 * Trained rows in front of sequences: in front of the embedded tokens ({@link dev.peft4j.prompt.PromptTuningConfig prompt tuning}, {@link
 * dev.peft4j.prompt.PTuningConfig P-tuning} with a network behind the rows), or keys and values in front of each layer's ({@link
 * dev.peft4j.prompt.PrefixTuningConfig prefix tuning}). A {@link dev.peft4j.prompt.RowSource} makes the rows, {@link dev.peft4j.prompt.PromptAdapter}
 * puts them in place. PEFT's file has the rows; the networks are in the state of a run only.
 *
 * <p>Shapes: P virtual tokens, C hidden size, D keyHeads · H, L layers.
 */
@NullMarked
package dev.peft4j.prompt;

import org.jspecify.annotations.NullMarked;
