package dev.peft4j.models;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.layer.Attention;
import dev.peft4j.core.layer.Attention.Slice;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.site.BlockSite;
import dev.peft4j.core.tensor.AttentionShape;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** The ways of what adapters put in front of sequences: rows into the batch, keys and values into attention or a cache. */
final class RowsInFront {
    private RowsInFront() {}

    /** Asks the input site. */
    static EmbeddedInput input(Call call, PackedBatch batch, Node embedded) {
        EmbeddedInput input = new EmbeddedInput(call, batch, embedded);
        int width = embedded.value().cols();
        for (int i = 0; i < mostAdapters(call); i++) {
            List<@Nullable Node> rows = perSequence(call, batch, i, (a, c) -> a.inputRows(c, width));
            if (rows.stream().anyMatch(Objects::nonNull)) {
                Node longer = Functions.prepend(call.pass(), input.batch().lengths(), rows, Slice.of(input.rows()));
                PackedBatch longerBatch = input.batch().withRowsInFront(counts(rows));
                input = new EmbeddedInput(call.overTokens(longerBatch.lengths()), longerBatch, longer);
            }
        }
        return input;
    }

    /** Positions of the tokens (T): those of a sequence begin behind the keys that adapters put in front of it. */
    static int[] positions(Call call, PackedBatch batch) {
        int[] positions = batch.positions();
        int s = 0;
        for (Call part : call.parts()) {
            int keys = part.adapters().stream().mapToInt(Adapter::keyRowCount).sum();
            int n = call.isSplit() ? part.sequences() : batch.sequences();
            for (int end = s + n; s < end; s++) {
                for (int i = 0; i < batch.length(s); i++) {
                    positions[batch.start(s) + i] += keys;
                }
            }
        }
        return positions;
    }

    /**
     * Puts the keys and values that adapters have for a layer into a cache that is still empty.
     *
     * @param batch of the first tokens
     */
    static void fill(Call call, PackedBatch batch, BlockSite site, KeyValueCache cache) {
        for (int i = 0; i < mostAdapters(call); i++) {
            List<Adapter.@Nullable KeysAndValues> extra =
                    perSequence(call, batch, i, (a, c) -> a.keysAndValues(c, site));
            for (int s = 0; s < extra.size(); s++) {
                Adapter.KeysAndValues e = extra.get(s);
                if (e != null) {
                    cache.begin(site.layer(), s, e.keys().value(), e.values().value());
                }
            }
        }
    }

    /** Attends to the keys and values of each sequence and to those that adapters put in front of them. */
    static Node attend(Call call, PackedBatch batch, BlockSite site, AttentionShape shape, Slice q, Slice k, Slice v) {
        Pass pass = call.pass();
        AttentionShape s = shape;
        Slice keys = k;
        Slice values = v;
        for (int i = 0; i < mostAdapters(call); i++) {
            List<Adapter.@Nullable KeysAndValues> extra =
                    perSequence(call, batch, i, (a, c) -> a.keysAndValues(c, site));
            if (extra.stream().anyMatch(Objects::nonNull)) {
                List<@Nullable Node> extraKeys = new ArrayList<>();
                List<@Nullable Node> extraValues = new ArrayList<>();
                for (Adapter.KeysAndValues e : extra) {
                    extraKeys.add(e == null ? null : e.keys());
                    extraValues.add(e == null ? null : e.values());
                }
                keys = Slice.of(Functions.prepend(pass, s.keyCount(), extraKeys, keys));
                values = Slice.of(Functions.prepend(pass, s.keyCount(), extraValues, values));
                s = s.withKeysInFront(counts(extraKeys));
            }
        }
        return Attention.forward(pass, s, q, keys, values);
    }

    private static int mostAdapters(Call call) {
        return call.parts().stream().mapToInt(p -> p.adapters().size()).max().orElse(0);
    }

    /** What the i-th adapter of each sequence gives; asked once for sequences with the same adapters. */
    private static <T> List<@Nullable T> perSequence(
            Call call, PackedBatch batch, int i, BiFunction<Adapter, Call, @Nullable T> ask) {
        List<@Nullable T> all = new ArrayList<>();
        for (Call part : call.parts()) {
            T given = i < part.adapters().size() ? ask.apply(part.adapters().get(i), part) : null;
            int n = call.isSplit() ? part.sequences() : batch.sequences();
            for (int s = 0; s < n; s++) {
                all.add(given);
            }
        }
        return all;
    }

    private static int[] counts(List<@Nullable Node> rows) {
        return rows.stream().mapToInt(r -> r == null ? 0 : r.value().rows()).toArray();
    }
}
