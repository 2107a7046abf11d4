package dev.peft4j.core.train;

import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.error.WrongUseException;
import java.util.ArrayList;
import java.util.List;

/** The parameters that a run changes, trained ones and running statistics, which no other run changes meanwhile. */
final class Claims implements AutoCloseable {
    private final List<Parameter> mine = new ArrayList<>();

    /**
     * Takes them.
     *
     * @throws WrongUseException if another run has one of them; none is taken then
     */
    Claims(List<Parameter> parameters) {
        for (Parameter p : parameters) {
            if (!p.value().claim()) {
                close();
                throw new WrongUseException("an adapter was to be trained that another run is training (its parameter "
                        + p.name()
                        + "); each would undo the steps of the other. Wait until that run has ended, or train an"
                        + " adapter of its own.");
            }
            mine.add(p);
        }
    }

    @Override
    public void close() {
        mine.forEach(p -> p.value().giveBack());
        mine.clear();
    }
}
