package dev.peft4j.models;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.error.BadInputException;
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
import java.util.function.Function;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Continues token sequences with a causal model; several at once share the passes, each with its own adapters if the call says so. A sequence that has ended leaves
 * the passes, and the others go on without it. Not safe for several threads: each has its own generator.
 */
public final class TextGenerator implements AutoCloseable {
    /** Tokens of prompts that a pass reads, unless it is said otherwise. */
    public static final int TOKENS_PER_PASS = 512;

    private final CausalModel model;
    private final Function<Pass, Call> calls;
    private final int tokensPerPass;
    private final Arena arena;
    private final float[] logits; // (V)
    private volatile boolean closed;

    /** A generator for a model with the adapters that are active. */
    public TextGenerator(CausalModel model, List<Adapter> adapters) {
        this(model, pass -> Call.of(pass, adapters));
    }

    /** A generator that asks for the call of each pass, for all sequences: {@code pass -> peftModel.call(pass, active)}. */
    public TextGenerator(CausalModel model, Function<Pass, Call> calls) {
        this(model, calls, TOKENS_PER_PASS);
    }

    /**
     * The same.
     *
     * @param tokensPerPass most tokens of prompts that one pass reads, beside the rows that adapters put in front of them: the memory of a pass grows with it, and
     *     not with the prompt. The result is the same up to rounding.
     */
    public TextGenerator(CausalModel model, Function<Pass, Call> calls, int tokensPerPass) {
        if (model.taskType() != TaskType.CAUSAL_LM) {
            throw new BadInputException("text was to be generated with the head of a model for " + model.taskType()
                    + "; that of a language model predicts the next token. Open the checkpoint of one.");
        }
        if (tokensPerPass < 1) {
            throw new BadInputException("prompts were to be read with " + tokensPerPass
                    + " tokens in a pass; it takes at least 1. Give a number such as " + TOKENS_PER_PASS + ".");
        }
        this.model = model;
        this.calls = calls;
        this.tokensPerPass = tokensPerPass;
        this.arena = new Arena(model.backend().dtype());
        this.logits = new float[model.head().outputs()];
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
        int rows = rowsInFront(prompts);
        int context = model.contextLength() - rows;
        Set<Integer> stops = Objects.requireNonNullElse(config.stopTokens(), model.endTokens());
        List<Continuation> all = new ArrayList<>();
        for (int[] prompt : prompts) {
            if (prompt.length >= context) {
                throw new BadInputException(
                        "a prompt of " + prompt.length + " tokens was given; it must have 1 to " + (context - 1)
                                + (rows > 0 ? ", since adapters put " + rows + " rows in front" : "")
                                + ". Shorten the prompt.");
            }
            all.add(new Continuation(all.size(), prompt, config, context, stops));
        }
        int capacity = all.stream().mapToInt(Continuation::capacity).max().orElse(0);
        Sampler sampler = new Sampler(config);
        try (KeyValueCache cache = config.cache() ? model.newCache(prompts.size(), capacity + rows) : null) {
            List<Continuation> running = all;
            while (!running.isEmpty()) {
                if (cache == null) {
                    // without keys of earlier pieces, a prompt cannot be read in pieces
                    run(running, Continuation::all, null, sampler);
                } else {
                    run(running, cache, sampler);
                }
                running.forEach(c -> c.add(onToken));
                running = running.stream().filter(c -> !c.isDone()).toList();
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
    private int rowsInFront(List<int[]> prompts) {
        requireOpen();
        for (int[] prompt : prompts) {
            if (prompt.length == 0) {
                throw new BadInputException(
                        "a text was to be continued, and its prompt has no tokens. Give one with at least one token.");
            }
        }
        try (Pass pass = Pass.inference(model.backend(), arena)) {
            return calls
                    .apply(pass)
                    .overTokens(prompts.stream().mapToInt(p -> p.length).toArray())
                    .parts()
                    .stream()
                    .mapToInt(p ->
                            p.adapters().stream().mapToInt(Adapter::rowsInFront).sum())
                    .max()
                    .orElse(0);
        }
    }

    /** Chooses the next token of each sequence: texts that the cache does not have are read, the other sequences go on together. */
    private void run(List<Continuation> running, KeyValueCache cache, Sampler sampler) {
        for (Continuation c : running) {
            if (c.isRead() && cache.isOutgrown(c.number(), 1, model.keysHoldTo())) {
                cache.clear(c.number());
                c.forgetRead();
            }
        }
        List<Continuation> ready = running.stream().filter(Continuation::isRead).toList();
        List<Continuation> together = new ArrayList<>();
        int tokens = 0;
        for (Continuation c : running) {
            if (c.isRead()) {
                continue;
            }
            if (c.length() > tokensPerPass) {
                readInPieces(c, cache, sampler);
                continue;
            }
            if (tokens + c.length() > tokensPerPass) {
                run(together, c2 -> c2.read(c2.length()), cache, sampler);
                together.clear();
                tokens = 0;
            }
            together.add(c);
            tokens += c.length();
        }
        for (List<Continuation> some : List.of(together, ready)) {
            if (!some.isEmpty()) {
                run(some, c -> c.read(c.length()), cache, sampler);
            }
        }
    }

    /** Reads a long text in pieces of equal length. */
    private void readInPieces(Continuation c, KeyValueCache cache, Sampler sampler) {
        int pieces = (c.length() + tokensPerPass - 1) / tokensPerPass;
        for (int p = 1; p <= pieces; p++) {
            int end = (int) ((long) c.length() * p / pieces);
            run(List.of(c), one -> one.read(end), cache, p < pieces ? null : sampler);
        }
    }

    /**
     * A pass.
     *
     * @param read what it reads of each sequence
     * @param sampler null if the tokens behind it are known
     */
    private void run(
            List<Continuation> some,
            Function<Continuation, int[]> read,
            @Nullable KeyValueCache cache,
            @Nullable Sampler sampler) {
        requireOpen();
        StoppedException.ifInterrupted("a text was to be continued");
        int[] numbers = some.stream().mapToInt(Continuation::number).toArray();
        PackedBatch batch = PackedBatch.of(some.stream().map(read).toArray(int[][]::new));
        if (cache != null) {
            cache.goOnWith(numbers, some.stream().mapToInt(Continuation::unread).toArray());
        }
        try (Pass pass = Pass.inference(model.backend(), arena)) {
            Call call = calls.apply(pass).forSequences(numbers);
            PackedBatch rows = cache == null || cache.isFresh() ? batch.withRowsOf(call) : batch;
            int[] last = new int[numbers.length];
            Arrays.setAll(last, i -> rows.start(i) + rows.length(i) - 1);
            Node ends = model.hidden(call, batch, cache, last);
            if (sampler == null) {
                return;
            }
            Tensor scores = model.head().logits(call.overSequences(), ends).value();
            for (int i = 0; i < numbers.length; i++) {
                scores.rows(i, 1).copyTo(logits);
                some.get(i).choose(sampler, logits);
            }
        }
    }

    /** Frees the working memory. */
    @Override
    public void close() {
        closed = true;
        arena.close();
    }
}
