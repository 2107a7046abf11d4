package dev.peft4j.core.weight;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.format.Checkpoint;
import dev.peft4j.core.format.TensorInfo;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Names of tensors in a checkpoint by those that a model has for them, and what its header says of them. */
final class FileNames {
    private final @Nullable Checkpoint checkpoint;
    private String optionalPrefix = "";
    private String addedPrefix = "";
    private UnaryOperator<String> older = UnaryOperator.identity();
    private boolean elsewhere; // whether the checkpoint has the names of another library
    private boolean newer; // whether the checkpoint has a name where it could have an older one

    FileNames(@Nullable Checkpoint checkpoint) {
        this.checkpoint = checkpoint;
    }

    /** A prefix of all names that checkpoints of the model without a head do not have. */
    void optionalPrefix(String prefix) {
        if (checkpoint != null && checkpoint.names().stream().noneMatch(n -> n.startsWith(prefix))) {
            optionalPrefix = prefix;
        }
    }

    /** A prefix that names in checkpoints of a model with a head have, and those of the model do not. */
    void addedPrefix(String prefix) {
        if (checkpoint != null && checkpoint.names().stream().anyMatch(n -> n.startsWith(prefix))) {
            addedPrefix = prefix;
        }
    }

    /** What tensors were called before. */
    void older(UnaryOperator<String> names) {
        older = names;
        newer = checkpoint != null
                && checkpoint.names().stream().anyMatch(n -> !names.apply(n).equals(n));
    }

    /** What another library calls tensors: names of ours for its own, and the other way round. They count if the checkpoint has one of them. */
    void elsewhere(UnaryOperator<String> ours, UnaryOperator<String> theirs) {
        if (checkpoint != null
                && checkpoint.names().stream().anyMatch(n -> !ours.apply(n).equals(n))) {
            elsewhere = true;
            older = theirs;
            newer = false;
        }
    }

    /** The name in the checkpoint: without the prefix that it may lack, as it was called before, and as TensorFlow's norms were called where it has that. */
    String inFile(String name) {
        String plain = addedPrefix + withoutPrefix(name);
        if (checkpoint == null || checkpoint.info(plain) != null) {
            return plain;
        }
        String before = older.apply(plain);
        if (checkpoint.info(before) != null) {
            return before;
        }
        String old = plain.replaceAll("LayerNorm\\.weight$", "LayerNorm.gamma")
                .replaceAll("LayerNorm\\.bias$", "LayerNorm.beta");
        return checkpoint.info(old) != null ? old : newer ? plain : before;
    }

    /** What the header of the checkpoint has of a tensor; null without one. */
    @Nullable
    TensorInfo info(String name) {
        return checkpoint == null ? null : checkpoint.info(inFile(name));
    }

    private String withoutPrefix(String name) {
        return name.startsWith(optionalPrefix) ? name.substring(optionalPrefix.length()) : name;
    }

    /** The name in a file that is made of the model: that of the library of the checkpoint; or with all prefixes, and the older one unless the checkpoint has newer ones. */
    String written(String name) {
        return elsewhere ? older.apply(withoutPrefix(name)) : newer ? name : older.apply(name);
    }

    /** Refuses what the header of the file does not have, before memory is taken. */
    void requireShape(String inFile, boolean transposed, int[] shape) throws BadFileException {
        requireShape(inFile, transposed, Arrays.stream(shape).asLongStream().toArray());
    }

    /** The same for dimensions that may be too large. */
    void requireShape(String inFile, boolean transposed, long... shape) throws BadFileException {
        Checkpoint from = Objects.requireNonNull(checkpoint);
        TensorInfo info = from.info(inFile);
        if (info == null) {
            throw new BadFileException(
                    from.directory(),
                    "tensor " + inFile + " of shape " + Arrays.toString(shape)
                            + " is needed by config.json and missing in the checkpoint ("
                            + from.names().size()
                            + " tensors). Check that config.json and the weights belong together.");
        }
        long[] expected = transposed ? new long[] {shape[1], shape[0]} : shape;
        List<Long> wanted = Arrays.stream(expected).boxed().toList();
        if (!info.shape().equals(wanted)) {
            throw new BadFileException(
                    from.directory(),
                    "tensor " + inFile + " has the shape " + info.shape() + " where config.json asks for " + wanted
                            + ". Check that config.json and the weights belong together.");
        }
    }

    /** Tensors of the checkpoint that no layer has; under their own names where all are those of another library. */
    KeptTensors kept(Collection<String> names) {
        return elsewhere ? KeptTensors.of(names, "", "") : KeptTensors.of(names, addedPrefix, optionalPrefix);
    }
}
