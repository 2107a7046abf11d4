package dev.peft4j.core.compose;

/**
 * How far a merged model is from the base with the adapters attached, on a probe batch.
 *
 * @param largestDifference of a logit
 * @param relativeDifference 2-norm of the differences over the 2-norm of what the adapters change; 0 if they change nothing
 * @param effect largest change of a logit by the adapters
 * @param weights number of base tensors that were replaced
 */
public record MergeReport(double largestDifference, double relativeDifference, double effect, int weights) {}
