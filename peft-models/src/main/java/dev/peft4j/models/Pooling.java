package dev.peft4j.models;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.data.Layout;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.layer.Head;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** How one row is made of the hidden states of a sequence. */
enum Pooling {
    /** That of the first token. */
    FIRST,
    /** The mean of all. */
    MEAN;

    /** The rows that are read: the first of each sequence, or null for all. */
    int @Nullable [] rows(Layout layout) {
        return this == FIRST ? firstRows(layout) : null;
    }

    /** The same by their numbers. */
    int[] allRows(Layout layout) {
        return this == FIRST
                ? firstRows(layout)
                : IntStream.range(0, layout.starts()[layout.size()]).toArray();
    }

    private static int[] firstRows(Layout layout) {
        return Arrays.copyOf(layout.starts(), layout.size());
    }

    /** One row of each sequence, of the rows that were read. */
    Head.Features features(Call call, Layout layout, Node hidden) {
        return this == FIRST
                ? new Head.Features(call, hidden)
                : new Head.Features(
                        call.overRows(firstRows(layout)), Functions.means(call.pass(), hidden, layout.starts()));
    }
}
