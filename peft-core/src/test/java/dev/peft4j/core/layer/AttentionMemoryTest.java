package dev.peft4j.core.layer;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.AttentionShape;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import org.junit.jupiter.api.Test;

class AttentionMemoryTest {
    private static final int LAYERS = 4;
    private static final int HEADS = 2;
    private static final int SIZE = 8;

    /** Weights of 8192 tokens would take 256 MiB a head and layer. */
    @Test
    void eight_times_the_tokens_take_at_most_eight_times_the_memory() {
        long few = bytes(1024);
        long many = bytes(8192);
        assertTrue(many <= 8 * few && many < 64 << 20, () -> few + " bytes for 1024 tokens, " + many + " for 8192");
    }

    /** Native memory that a pass and its derivative take, with what threads keep for later ones. */
    private static long bytes(int tokens) {
        int width = HEADS * SIZE;
        int[] starts = {0};
        int[] counts = {tokens};
        long before = Tensor.nativeBytes();
        try (Backend backend = Backend.host(2);
                Arena arena = new Arena(DType.F32);
                Pass pass = Pass.differentiable(backend, arena)) {
            AttentionShape shape =
                    new AttentionShape(starts, counts, starts, counts, HEADS, HEADS, SIZE, 0.3, true, 0, 0);
            Tensor x = pass.allocate(tokens, width);
            backend.kernels().fill(0.5, x);
            Node node = pass.trackedNode(x);
            for (int layer = 0; layer < LAYERS; layer++) {
                Attention.Slice all = Attention.Slice.of(node);
                node = Attention.forward(pass, shape, all, all, all);
            }
            Tensor dy = pass.allocate(tokens, width);
            backend.kernels().fill(1, dy);
            pass.addGrad(node, dy);
            pass.backward();
            return Tensor.nativeBytes() - before;
        }
    }
}
