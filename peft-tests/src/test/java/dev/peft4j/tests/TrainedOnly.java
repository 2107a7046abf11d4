package dev.peft4j.tests;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.autograd.Lease;
import dev.peft4j.core.autograd.Parameter;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An adapter that shows some of the parameters of another one. */
record TrainedOnly(Adapter all, List<Parameter> parameters) implements Adapter {
    @Override
    public PeftConfig config() {
        return all.config();
    }

    @Override
    public @Nullable Parameter replacement(String tensorName) {
        return all.replacement(tensorName);
    }

    @Override
    public Lease.Use hold() {
        return all.hold();
    }

    @Override
    public void close() {
        all.close();
    }
}
