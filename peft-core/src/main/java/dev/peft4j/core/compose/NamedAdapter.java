package dev.peft4j.core.compose;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.autograd.Lease;

/** An adapter of a {@link PeftModel} and its uses; it is closed when it was taken out and the last of them has ended. */
final class NamedAdapter {
    final Adapter adapter;
    final Lease lease;

    NamedAdapter(Adapter adapter) {
        this.adapter = adapter;
        this.lease = new Lease("an adapter that was taken out of a PeftModel");
    }
}
