/**
 * How good predictions are, from what was expected and what was predicted: arrays and lists in, numbers out, no tensors.
 *
 * <ul>
 *   <li>{@link dev.peft4j.models.metrics.ClassMetrics}: one class of several; {@link dev.peft4j.models.metrics.MultiLabelMetrics}: labels that are there or not
 *   <li>{@link dev.peft4j.models.metrics.RegressionMetrics}: numbers
 *   <li>{@link dev.peft4j.models.metrics.AnswerMetrics}: answers to questions; {@link dev.peft4j.models.metrics.EntityMetrics}: entities in tagged tokens
 *   <li>{@link dev.peft4j.models.metrics.Bleu}, {@link dev.peft4j.models.metrics.RougeL}: texts that were generated
 *   <li>{@link dev.peft4j.models.metrics.Retrieval}: what a search found; {@link dev.peft4j.models.metrics.WorstFirst}: predictions to look at
 * </ul>
 *
 * <p>Values are those of the Python packages that papers and leaderboards use; docs/METRICS.md says which, and how closely. All but BLEU are shares from 0 to 1.
 */
@NullMarked
package dev.peft4j.models.metrics;

import org.jspecify.annotations.NullMarked;
