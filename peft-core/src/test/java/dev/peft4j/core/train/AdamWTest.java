package dev.peft4j.core.train;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;
import org.junit.jupiter.api.Test;

class AdamWTest {
    private static Parameter one(String name) {
        return new Parameter(name, Tensor.of(DType.F32, 1, 1, 1), 1, 1);
    }

    @Test
    void a_parameter_that_joins_later_is_corrected_by_its_own_steps() {
        Backend backend = Backend.host();
        try (Parameter early = one("early");
                Parameter late = one("late");
                AdamW optimizer = new AdamW(0)) {
            for (int step = 0; step < 3; step++) {
                early.grad().fill(2);
                optimizer.step(backend, List.of(early), 0.1);
            }
            late.grad().fill(2);
            optimizer.step(backend, List.of(early), 0.1);
            optimizer.step(backend, List.of(late), 0.1);
            // under a constant gradient each corrected step is the rate
            assertEquals(0.6, early.value().get(0, 0), 1e-6);
            assertEquals(0.9, late.value().get(0, 0), 1e-6);
            assertEquals(4, optimizer.state(early).get("step").get(0, 0));
            assertEquals(1, optimizer.state(late).get("step").get(0, 0));
            optimizer.setSteps(7);
            assertEquals(7, optimizer.state(late).get("step").get(0, 0));
        }
    }
}
