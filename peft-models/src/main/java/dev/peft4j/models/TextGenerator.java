package dev.peft4j.models;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.model.PackedBatch;
import dev.peft4j.core.tensor.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Continues token sequences with a causal model. Not safe for several threads: each has its own generator. */
public final class TextGenerator implements AutoCloseable {
    private final CausalModel model;
    private final List<Adapter> adapters;
    private final Arena arena;

    /** A generator for a model with the adapters that are active. */
    public TextGenerator(CausalModel model, List<Adapter> adapters) {
        this.model = model;
        this.adapters = List.copyOf(adapters);
        this.arena = new Arena(model.backend().dtype());
    }

    /**
     * Continues one sequence.
     *
     * @param prompt at least one token
     * @return the new tokens without the prompt and without a stop token
     * @throws IllegalArgumentException if the prompt is empty or leaves no room in the context of the model
     */
    public int[] generate(int[] prompt, GenerationConfig config) {
        if (prompt.length == 0 || prompt.length >= model.contextLength()) {
            throw new IllegalArgumentException("a prompt of " + prompt.length + " tokens was given; it must have 1 to "
                    + (model.contextLength() - 1) + ". Shorten the prompt.");
        }
        int most = Math.min(config.maxNewTokens(), model.contextLength() - prompt.length);
        RandomGenerator random = new SplittableRandom(config.seed());
        int[] tokens = Arrays.copyOf(prompt, prompt.length + most);
        int length = prompt.length;
        boolean cached = config.cache() && adapters.stream().noneMatch(Adapter::addsRows);
        try (KeyValueCache cache = cached ? model.newCache(1, prompt.length + most) : null) {
            int seen = 0;
            while (length < tokens.length) {
                float[] logits = next(Arrays.copyOfRange(tokens, cache == null ? 0 : seen, length), cache);
                seen = length;
                int token = choose(logits, config, random);
                if (config.stopTokens().contains(token)) {
                    break;
                }
                tokens[length++] = token;
            }
        }
        return Arrays.copyOfRange(tokens, prompt.length, length);
    }

    /** The logits after the last of some tokens. */
    private float[] next(int[] tokens, @Nullable KeyValueCache cache) {
        try (Pass pass = Pass.inference(model.backend(), arena)) {
            Call call = Call.of(pass, adapters);
            Node hidden = model.hidden(call, PackedBatch.of(tokens), cache);
            Node last = Functions.rows(pass, hidden, new int[] {hidden.value().rows() - 1});
            return model.head().forward(call, last).value().toFloats();
        }
    }

    private static int choose(float[] logits, GenerationConfig config, RandomGenerator random) {
        if (config.temperature() == 0) {
            int best = 0;
            for (int i = 1; i < logits.length; i++) {
                best = logits[i] > logits[best] ? i : best;
            }
            return best;
        }
        int[] order = IntStream.range(0, logits.length)
                .boxed()
                .sorted((a, b) -> Float.compare(logits[b], logits[a]))
                .mapToInt(Integer::intValue)
                .toArray();
        int kept = config.topK() == 0 ? order.length : Math.min(config.topK(), order.length);
        double[] weights = new double[kept];
        double sum = 0;
        for (int i = 0; i < kept; i++) {
            weights[i] = Math.exp((logits[order[i]] - logits[order[0]]) / config.temperature());
            sum += weights[i];
        }
        // nucleus (Holtzman et al. 2020): the fewest tokens whose probabilities reach p
        double reached = 0;
        int nucleus = 0;
        while (nucleus < kept && reached < config.topP() * sum) {
            reached += weights[nucleus++];
        }
        double at = random.nextDouble() * reached;
        for (int i = 0; i < nucleus; i++) {
            at -= weights[i];
            if (at < 0) {
                return order[i];
            }
        }
        return order[nucleus - 1];
    }

    /** Frees the working memory. */
    @Override
    public void close() {
        arena.close();
    }
}
