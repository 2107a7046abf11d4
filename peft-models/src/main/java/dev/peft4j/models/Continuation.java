package dev.peft4j.models;

import java.util.Arrays;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.IntPredicate;
import java.util.random.RandomGenerator;

/** A sequence that grows, with the state of its draws. */
final class Continuation {
    private final int number;
    private final int[] tokens; // prompt and new tokens, with room at the end
    private final int promptLength;
    private final RandomGenerator random;
    private final Set<Integer> stops;
    private int length;
    private int seen; // tokens that the cache has
    private int chosen;
    private boolean done;

    /**
     * A prompt that is to be continued.
     *
     * @param number of the sequence, from 0
     * @param room for tokens with those of the prompt
     * @param stops end it
     */
    Continuation(int number, int[] prompt, GenerationConfig config, int room, Set<Integer> stops) {
        this.number = number;
        this.stops = stops;
        int most = Math.min(config.maxNewTokens(), room - prompt.length);
        tokens = Arrays.copyOf(prompt, prompt.length + most);
        promptLength = prompt.length;
        length = prompt.length;
        random = new SplittableRandom(config.seed());
    }

    int number() {
        return number;
    }

    /** Tokens so far. */
    int length() {
        return length;
    }

    /** Most tokens that it can have. */
    int capacity() {
        return tokens.length;
    }

    boolean isDone() {
        return done;
    }

    /** Whether the cache has all tokens but the one that was chosen last. */
    boolean isRead() {
        return seen > 0;
    }

    /** Takes the tokens up to one that the cache does not have yet. */
    int[] read(int end) {
        int[] unseen = Arrays.copyOfRange(tokens, seen, end);
        seen = end;
        return unseen;
    }

    /** How many tokens the cache does not have yet. */
    int unread() {
        return length - seen;
    }

    /** All tokens so far. */
    int[] all() {
        return Arrays.copyOf(tokens, length);
    }

    /** To be called when the cache has lost the tokens. */
    void forgetRead() {
        seen = 0;
    }

    /** Chooses the next token; {@link #add} adds it. */
    void choose(Sampler sampler, float[] logits) {
        chosen = sampler.choose(logits, random);
    }

    /** Adds the token that was chosen, and tells it. */
    void add(IntPredicate onToken) {
        if (stops.contains(chosen)) {
            done = true;
            return;
        }
        tokens[length++] = chosen;
        done = !onToken.test(chosen) || length == tokens.length;
    }

    /** The new tokens. */
    int[] result() {
        return Arrays.copyOfRange(tokens, promptLength, length);
    }

    @Override
    public String toString() {
        return "sequence " + number + " of " + length + " tokens" + (done ? ", done" : "");
    }
}
