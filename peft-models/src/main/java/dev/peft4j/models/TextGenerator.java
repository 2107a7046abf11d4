package dev.peft4j.models;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.NonFiniteException;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.function.IntPredicate;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Continues token sequences with a causal model; several at once share the passes, each with its own adapters if the call says so. Not safe for several
 * threads: each has its own generator.
 */
public final class TextGenerator implements AutoCloseable {
    private final CausalModel model;
    private final Function<Pass, Call> calls;
    private final Arena arena;
    private volatile boolean closed;

    /** A generator for a model with the adapters that are active. */
    public TextGenerator(CausalModel model, List<Adapter> adapters) {
        this(model, pass -> Call.of(pass, adapters));
    }

    /** A generator that asks for the call of each pass: {@code pass -> peftModel.call(pass, active)}. */
    public TextGenerator(CausalModel model, Function<Pass, Call> calls) {
        if (model.taskType() != TaskType.CAUSAL_LM) {
            throw new BadInputException("text was to be generated with the head of a model for " + model.taskType()
                    + "; that of a language model predicts the next token. Open the checkpoint of one.");
        }
        this.model = model;
        this.calls = calls;
        this.arena = new Arena(model.backend().dtype());
    }

    /**
     * Continues one sequence.
     *
     * @param prompt at least one token
     * @return the new tokens without the prompt and without a stop token
     * @throws BadInputException if the prompt is empty or leaves no room in the context of the model
     */
    public int[] generate(int[] prompt, GenerationConfig config) {
        return generate(List.of(prompt), config).get(0);
    }

    /**
     * Continues one sequence, and tells each new token when it is there.
     *
     * @param onToken the end comes behind the token for which it returns false
     */
    public int[] generate(int[] prompt, GenerationConfig config, IntPredicate onToken) {
        return generate(List.of(prompt), config, onToken).get(0);
    }

    /** Continues several sequences; each gets what it would get alone, up to rounding. Draws of each begin at the seed. */
    public List<int[]> generate(List<int[]> prompts, GenerationConfig config) {
        return generate(prompts, config, token -> true);
    }

    private List<int[]> generate(List<int[]> prompts, GenerationConfig config, IntPredicate onToken) {
        List<Continuation> all = new ArrayList<>();
        int capacity = 0;
        int rows = rowsInFront();
        int context = model.contextLength() - rows;
        Set<Integer> stops = Objects.requireNonNullElse(config.stopTokens(), model.endTokens());
        for (int[] prompt : prompts) {
            if (prompt.length == 0) {
                throw new BadInputException(
                        "a text was to be continued, and its prompt has no tokens. Give one with at least one token.");
            }
            if (prompt.length >= context) {
                throw new BadInputException(
                        "a prompt of " + prompt.length + " tokens was given; it must have 1 to " + (context - 1)
                                + (rows > 0 ? ", since adapters put " + rows + " rows in front" : "")
                                + ". Shorten the prompt.");
            }
            Continuation c = new Continuation(prompt, config, context, stops);
            all.add(c);
            capacity = Math.max(capacity, c.tokens.length);
        }
        try (KeyValueCache cache = config.cache() ? model.newCache(prompts.size(), capacity + rows) : null) {
            while (all.stream().anyMatch(c -> !c.done)) {
                float[][] logits = next(all, cache);
                for (int i = 0; i < all.size(); i++) {
                    all.get(i).add(logits[i], config, onToken);
                }
            }
        }
        return all.stream().map(Continuation::result).toList();
    }

    private void requireOpen() {
        if (closed) {
            throw new WrongUseException("a text generator was used after it was closed. Make a new one.");
        }
    }

    /** Most rows that adapters put in front of a sequence. */
    private int rowsInFront() {
        requireOpen();
        try (Pass pass = Pass.inference(model.backend(), arena)) {
            return calls.apply(pass).parts().stream()
                    .mapToInt(p ->
                            p.adapters().stream().mapToInt(Adapter::rowsInFront).sum())
                    .max()
                    .orElse(0);
        }
    }

    /** A sequence that grows. */
    private static final class Continuation {
        final int[] tokens; // prompt and new tokens, with room at the end
        final int promptLength;
        final RandomGenerator random;
        final Set<Integer> stops;
        int length;
        int seen; // tokens that the cache has
        boolean done;

        Continuation(int[] prompt, GenerationConfig config, int contextLength, Set<Integer> stops) {
            this.stops = stops;
            int most = Math.min(config.maxNewTokens(), contextLength - prompt.length);
            tokens = Arrays.copyOf(prompt, prompt.length + most);
            promptLength = prompt.length;
            length = prompt.length;
            done = most == 0;
            random = new SplittableRandom(config.seed());
        }

        /** The tokens that the model has not seen; one that is done repeats its last token while others go on. */
        int[] unseen(boolean cached) {
            return Arrays.copyOfRange(tokens, cached ? Math.min(seen, length - 1) : 0, length);
        }

        void add(float[] logits, GenerationConfig config, IntPredicate onToken) {
            if (done) {
                return;
            }
            int token = choose(logits, config, random);
            if (stops.contains(token)) {
                done = true;
                return;
            }
            tokens[length++] = token;
            done = !onToken.test(token) || length == tokens.length;
        }

        int[] result() {
            return Arrays.copyOfRange(tokens, promptLength, length);
        }
    }

    /** The logits after the last token of each sequence. */
    private float[][] next(List<Continuation> all, @Nullable KeyValueCache cache) {
        requireOpen();
        StoppedException.ifInterrupted("a text was to be continued");
        int[][] unseen = unseen(all, cache);
        try (Pass pass = Pass.inference(model.backend(), arena)) {
            Call call = calls.apply(pass);
            PackedBatch batch = PackedBatch.of(unseen);
            if (cache != null) {
                for (int i = 0; i < unseen.length; i++) {
                    if (all.get(i).done) {
                        cache.forget(i, 1); // the token that it repeats
                    }
                    all.get(i).seen = all.get(i).length;
                }
            }
            boolean first = cache == null || cache.isFresh();
            PackedBatch rows = first ? batch.withRowsOf(call) : batch;
            int[] last = new int[unseen.length];
            Arrays.setAll(last, i -> rows.start(i) + rows.length(i) - 1);
            Node ends = model.hidden(call, batch, cache, last);
            Tensor logits = model.head().logits(call.overSequences(), ends).value();
            float[][] out = new float[unseen.length][];
            for (int i = 0; i < out.length; i++) {
                out[i] = logits.rows(i, 1).toFloats();
            }
            return out;
        }
    }

    /** The tokens that the model has not seen; all of them when a sequence outgrows its keys. */
    private int[][] unseen(List<Continuation> all, @Nullable KeyValueCache cache) {
        int[][] unseen = all.stream().map(c -> c.unseen(cache != null)).toArray(int[][]::new);
        if (cache == null || cache.isFresh()) {
            return unseen;
        }
        for (int i = 0; i < unseen.length; i++) {
            if (!all.get(i).done && cache.isOutgrown(i, unseen[i].length, model.keysHoldTo())) {
                cache.clear();
                all.forEach(c -> c.seen = 0);
                return unseen(all, cache);
            }
        }
        return unseen;
    }

    private static int choose(float[] logits, GenerationConfig config, RandomGenerator random) {
        for (float logit : logits) {
            if (Float.isNaN(logit) || logit == Float.POSITIVE_INFINITY) {
                throw new NonFiniteException("the scores of the next token");
            }
        }
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
        closed = true;
        arena.close();
    }
}
