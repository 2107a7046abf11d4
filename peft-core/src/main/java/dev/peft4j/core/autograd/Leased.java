package dev.peft4j.core.autograd;

import dev.peft4j.core.error.WrongUseException;

/** What owns native memory, and can be kept open while something works with it: a model, an adapter. */
public interface Leased {
    /**
     * Begins a use that lasts until the result is closed: if this is closed meanwhile, its memory is freed with the last use.
     *
     * @throws WrongUseException if it is closed
     */
    default Lease.Use hold() {
        return Lease.NOTHING;
    }
}
