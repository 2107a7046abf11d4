package dev.peft4j.models;

import dev.peft4j.core.format.Checkpoint;
import dev.peft4j.core.format.TensorInfo;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;

/**
 * Tensors of a checkpoint that no layer asked for. Older versions of transformers saved some that follow from the config: causal masks, numbers of
 * positions, frequencies. These are compared with what they should be; all others, and those that are not, are told.
 */
final class UnusedTensors {
    private static final double HALF_PRECISION = 1e-2; // frequencies may have been stored in 16 bit

    private final ModelConfig config;
    private final Checkpoint checkpoint;

    UnusedTensors(ModelConfig config, Checkpoint checkpoint) {
        this.config = config;
        this.checkpoint = checkpoint;
    }

    /** Those of some names that do not follow from the config. */
    List<String> of(Collection<String> unread) throws IOException {
        List<String> left = new ArrayList<>();
        for (String name : new TreeSet<>(unread)) {
            if (!followsFromConfig(name)) {
                left.add(name);
            }
        }
        return left;
    }

    private boolean followsFromConfig(String name) throws IOException {
        TensorInfo info = Objects.requireNonNull(checkpoint.info(name));
        List<Long> shape = info.shape();
        if (name.endsWith(".attn.bias")) {
            long n = shape.isEmpty() ? 0 : shape.get(shape.size() - 1);
            return checkpoint.all(name, (i, value) -> value == (i / n % n >= i % n ? 1 : 0));
        }
        if (name.endsWith(".attn.masked_bias")) {
            return checkpoint.all(name, (i, value) -> value <= -1e4);
        }
        if (name.endsWith("position_ids")) {
            long n = shape.isEmpty() ? 1 : shape.get(shape.size() - 1);
            return checkpoint.all(name, (i, value) -> value == i % n);
        }
        if (name.endsWith("rotary_emb.inv_freq")) {
            float[] expected = RotaryScaling.angles(
                            config, 2 * Math.toIntExact(info.elements()), config.size("max_position_embeddings", 2048))
                    .of(0);
            return checkpoint.all(
                    name, (i, value) -> Math.abs(value - expected[(int) i]) <= HALF_PRECISION * expected[(int) i]);
        }
        return false;
    }
}
