package dev.peft4j.core.autograd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.SettledMemory;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.tensor.Activation;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@ExtendWith(SettledMemory.Each.class)
class PassTest {
    private final Arena arena = new Arena(DType.F32);
    private final Parameter parameter = new Parameter("w", Tensor.of(DType.F32, 2, 2, 1, 2, 3, 4), 2, 2);

    @AfterEach
    void close() {
        parameter.close();
        arena.close();
    }

    private Pass pass() {
        return Pass.differentiable(Backend.host(), arena);
    }

    private Node copy(Pass pass) {
        Node x = pass.node(pass.allocate(2, 2));
        Products.copy(pass, pass.node(parameter), x);
        return x;
    }

    private static void seed(Pass pass, Node node) {
        Tensor ones = pass.allocate(node.value().rows(), node.value().cols());
        ones.fill(1);
        pass.addGrad(node, ones);
    }

    /** Ways to change a value that was saved. */
    static Stream<Consumer<Tensor>> changes() {
        return Stream.of(
                x -> x.set(1, 1, 5),
                x -> x.fill(0),
                x -> x.rows(1, 1).fill(0),
                x -> x.columns(0, 1).set(new float[2]),
                x -> x.set(new double[4]),
                x -> Backend.host().kernels().addScaled(1, x, x),
                x -> Backend.host().kernels().fillRows(null, x.rows(0, 1)),
                x -> Backend.host().matrices().gemm(false, false, 1, x, x, 0, x.rows(0, 2)));
    }

    @ParameterizedTest
    @MethodSource("changes")
    void a_value_that_changed_after_it_was_saved_is_an_error_with_the_name_of_the_operation(Consumer<Tensor> change) {
        try (Pass pass = pass()) {
            Node x = copy(pass);
            Node y = Functions.activation(pass, Activation.SILU, x);
            change.accept(x.value());
            seed(pass, y);
            String message = String.valueOf(
                    assertThrows(IllegalStateException.class, pass::backward).getMessage());
            assertTrue(message.contains("Functions") && message.contains("F32 (2, 2)"), message);
        }
    }

    @Test
    void an_operation_of_a_name_is_called_by_it() {
        try (Pass pass = pass()) {
            Node w = pass.node(parameter);
            Node y = Products.multiply(pass, w, w);
            parameter.value().set(0, 0, 9); // an optimizer that comes too early
            seed(pass, y);
            String message = String.valueOf(
                    assertThrows(IllegalStateException.class, pass::backward).getMessage());
            assertTrue(message.contains("multiply") && message.contains("1 operations changed it"), message);
        }
    }

    @Test
    void results_that_nobody_saved_may_change_in_place() {
        try (Pass pass = pass()) {
            Node w = pass.node(parameter);
            Node y = Products.linear(pass, w, w);
            Functions.add(pass, y, w); // the residual connection of a block
            Products.addScaled(pass, y, 2, w);
            seed(pass, y);
            pass.backward();
            // d/dw Σ (w wᵀ + 3 w) = 2 · column sums of w, and 3
            assertEquals(2 * (1 + 3) + 3, parameter.grad().get(0, 0));
            assertEquals(2 * (2 + 4) + 3, parameter.grad().get(1, 1));
        }
    }

    private static @Nullable Throwable inAnotherThread(Runnable action) {
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        Thread other = new Thread(
                () -> {
                    try {
                        action.run();
                    } catch (RuntimeException | Error e) {
                        failure.set(e);
                    }
                },
                "other");
        other.start();
        try {
            other.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        return failure.get();
    }

    private static void refused(Runnable action) {
        Throwable found = inAnotherThread(action);
        assertTrue(found instanceof IllegalStateException, String.valueOf(found));
        String message = String.valueOf(found);
        assertTrue(message.contains("thread") && message.contains("other"), message);
    }

    @Test
    void a_pass_is_of_one_thread() {
        try (Pass pass = pass()) {
            Node w = pass.node(parameter);
            Node y = Products.linear(pass, w, w);
            refused(() -> Products.linear(pass, w, w));
            refused(() -> pass.allocate(1, 1));
            refused(() -> arena.allocate(1, 1));
            refused(() -> pass.use(new Lease("something")));
            refused(() -> pass.onClose(() -> {}));
            refused(() -> y.value().fill(0));
            refused(() -> y.value().rows(0, 1).set(0, 0, 1));
            refused(() -> Backend.host().kernels().scale(2, y.value()));
            refused(pass::backward);
            refused(pass::close);
            assertEquals(5, y.value().get(0, 0)); // 1·1 + 2·2: nothing has happened to it
            assertEquals(null, inAnotherThread(() -> y.value().toFloats())); // what was computed may be read
        }
    }

    @Test
    void a_pass_whose_thread_has_ended_can_be_closed_by_any() {
        AtomicReference<Pass> left = new AtomicReference<>();
        assertEquals(null, inAnotherThread(() -> left.set(pass())));
        assertThrows(IllegalStateException.class, this::pass);
        left.get().close();
        pass().close();
    }

    @Test
    void a_parameter_that_is_closed_takes_no_memory_for_a_gradient() {
        long before = Tensor.nativeBytes();
        Parameter p = new Parameter("p", Tensor.zeros(DType.F32, 2, 2), 2, 2);
        p.close();
        String message = String.valueOf(
                assertThrows(IllegalStateException.class, p::grad).getMessage());
        assertTrue(message.contains("p [2, 2]") && message.contains("closed"), message);
        assertEquals(before, Tensor.nativeBytes());
    }
}
