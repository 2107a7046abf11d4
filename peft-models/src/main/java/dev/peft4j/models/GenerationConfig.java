package dev.peft4j.models;

import dev.peft4j.core.error.BadInputException;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How a text is continued.
 *
 * @param maxNewTokens most tokens to add
 * @param temperature the logits are divided by it; 0 takes the most probable token
 * @param topK only the K most probable tokens are drawn; 0 for all
 * @param topP only the most probable tokens that together reach this probability are drawn; 1 for all
 * @param seed of the draws
 * @param stopTokens end the text, and are not part of the result; null for the end tokens of the model
 * @param cache whether keys and values of earlier tokens are kept; the result is the same
 */
public record GenerationConfig(
        int maxNewTokens,
        double temperature,
        int topK,
        double topP,
        long seed,
        @Nullable Set<Integer> stopTokens,
        boolean cache) {

    /** Checks the ranges. */
    public GenerationConfig {
        if (maxNewTokens < 1 || !(temperature >= 0) || topK < 0 || !(topP > 0 && topP <= 1)) {
            throw new BadInputException("max new tokens " + maxNewTokens + ", temperature " + temperature + ", top-k "
                    + topK + ", top-p " + topP
                    + " were given. Tokens must be at least 1, temperature and top-k at least 0, top-p"
                    + " above 0 and at most 1.");
        }
        stopTokens = stopTokens == null ? null : Set.copyOf(stopTokens);
    }

    /** Always the most probable token, until the model ends the text. */
    public static GenerationConfig greedy(int maxNewTokens) {
        return new GenerationConfig(maxNewTokens, 0, 0, 1, 0, null, true);
    }

    /** Draws from the probabilities at a temperature, until the model ends the text. */
    public static GenerationConfig sampled(int maxNewTokens, double temperature, long seed) {
        return new GenerationConfig(maxNewTokens, temperature, 0, 1, seed, null, true);
    }

    /** With stop tokens in place of the model's; an empty set goes on to the greatest length. */
    public GenerationConfig withStopTokens(Set<Integer> tokens) {
        return new GenerationConfig(maxNewTokens, temperature, topK, topP, seed, tokens, cache);
    }

    /** With draws from fewer tokens. */
    public GenerationConfig withTop(int k, double p) {
        return new GenerationConfig(maxNewTokens, temperature, k, p, seed, stopTokens, cache);
    }

    /** Without keeping keys and values. */
    public GenerationConfig withoutCache() {
        return new GenerationConfig(maxNewTokens, temperature, topK, topP, seed, stopTokens, false);
    }
}
