package dev.peft4j.models;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TransformerSites;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Tensor;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A decoder that predicts the next token. */
public interface CausalModel extends Model, TransformerSites {
    /** Layers, key heads times head size: what a cache has to hold. */
    KeyValueCache newCache(int sequences, int capacity);

    /**
     * The last hidden states (T, C), after the final norm.
     *
     * @param cache keys and values of earlier tokens, which the new ones are added to; null to start at the first token
     */
    default Node hidden(Call call, PackedBatch batch, @Nullable KeyValueCache cache) {
        return hidden(call, batch, cache, null);
    }

    /**
     * The last hidden states of some rows (rows, C): what comes behind attention in the last layer is computed for these alone.
     *
     * @param cache as above
     * @param rows numbers of the rows in rising order, counted with those that adapters put in front of sequences; null for all
     */
    Node hidden(Call call, PackedBatch batch, @Nullable KeyValueCache cache, int @Nullable [] rows);

    /**
     * Most tokens of a sequence of which keys in a cache still hold when it grows, with the rows in front of it; what grows beyond begins with an empty cache again
     * (LongRoPE). {@link Integer#MAX_VALUE} if they always hold.
     */
    default int keysHoldTo() {
        return Integer.MAX_VALUE;
    }

    /**
     * Tokens that end a text: those of {@code generation_config.json} or {@code config.json}, and that of the tokenizer. None for a model that was not read from
     * a directory.
     */
    Set<Integer> endTokens();

    @Override
    default Tensor keysAndValues(int... tokens) {
        try (KeyValueCache cache = newCache(1, tokens.length);
                Arena arena = new Arena(backend().dtype());
                Pass pass = Pass.inference(backend(), arena)) {
            hidden(Call.of(pass), PackedBatch.of(tokens), cache);
            return cache.sideBySide(0);
        }
    }
}
