package dev.peft4j.core.site;

import dev.peft4j.core.error.BadInputException;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What differs between families of models beside their math: names of modules, and what PEFT, AdapterHub and transformers hold of the family. No other code
 * knows a family by name.
 *
 * @param prefix of all names that checkpoints of the base without a head do not have, with its dot; empty for none
 * @param targets names of the default layers of methods by {@code peft_type}; those of {@code LORA} serve its relatives too
 * @param feedForward names of the layers whose input IA3 scales instead of their output
 * @param sequences last parts of the names of modules whose numbered parts run one behind the other as one module (PyTorch's {@code Sequential}); all other
 *     numbered modules are lists of blocks
 * @param heads of the tasks that the family serves
 * @param attentionAdapters module of a block, behind its name, that has the bottlenecks of attention in AdapterHub's models
 * @param outputAdapters the same for the bottlenecks of the feed-forward
 * @param groupedKeys whether heads may share keys ({@code num_key_value_heads}), so that PEFT takes the sizes of a prefix from the model and not from the file
 * @param keysInFront whether models of the family take keys and values in front of a sequence, as a prefix gives them
 * @param fanInFanOut whether linear weights are (in, out) in files: {@code fan_in_fan_out}
 * @param olderNames what modules were called before
 * @param namesElsewhere what modules of the base without its prefix, and of the head, are called by other libraries
 */
public record FamilyTraits(
        String prefix,
        Map<String, List<String>> targets,
        List<String> feedForward,
        List<String> sequences,
        Map<TaskType, Head> heads,
        String attentionAdapters,
        String outputAdapters,
        boolean groupedKeys,
        boolean keysInFront,
        boolean fanInFanOut,
        OtherNames olderNames,
        OtherNames namesElsewhere) {

    /**
     * The output layer of a task.
     *
     * @param module its name
     * @param className of transformers, for a model with this head
     */
    public record Head(String module, String className) {}

    /** Copies the collections. */
    public FamilyTraits {
        targets = Map.copyOf(targets);
        feedForward = List.copyOf(feedForward);
        sequences = List.copyOf(sequences);
        heads = Map.copyOf(heads);
    }

    /** Names of the default layers of a method; empty if the family has none for it. */
    public List<String> targets(String peftType) {
        return targets.getOrDefault(peftType, List.of());
    }

    /** The same for a model whose names do not have the prefix. */
    public FamilyTraits withoutPrefix() {
        return new FamilyTraits(
                "",
                targets,
                feedForward,
                sequences,
                heads,
                attentionAdapters,
                outputAdapters,
                groupedKeys,
                keysInFront,
                fanInFanOut,
                olderNames,
                namesElsewhere);
    }

    /** The head of a task, or null if the family does not serve it. */
    public @Nullable Head head(TaskType task) {
        return heads.get(task);
    }

    /**
     * The class of transformers that has the head of a task.
     *
     * @throws BadInputException if the family does not serve the task
     */
    public String className(TaskType task) {
        Head head = heads.get(task);
        if (head == null) {
            throw new BadInputException("a model for " + task + " was asked for; the family serves " + heads.keySet()
                    + ". Use one of these.");
        }
        return head.className;
    }

    /** Traits whose other values are those of most families. */
    public static Builder builder(String prefix) {
        return new Builder(prefix);
    }

    /** Collects the traits of a family. */
    public static final class Builder {
        private final String prefix;
        private final Map<String, List<String>> targets = new TreeMap<>();
        private final Map<TaskType, Head> heads = new EnumMap<>(TaskType.class);
        private List<String> feedForward = List.of();
        private List<String> sequences = List.of();
        private String attentionAdapters = ".attention_adapters";
        private String outputAdapters = ".output_adapters";
        private boolean groupedKeys;
        private boolean keysInFront = true;
        private boolean fanInFanOut;
        private OtherNames olderNames = OtherNames.NONE;
        private OtherNames namesElsewhere = OtherNames.NONE;

        private Builder(String prefix) {
            this.prefix = prefix;
        }

        /** Default layers of a method. */
        public Builder targets(String peftType, String... names) {
            targets.put(peftType, List.of(names));
            return this;
        }

        /** Layers whose input IA3 scales; they are among its targets too. */
        public Builder feedForward(String... names) {
            feedForward = List.of(names);
            return this;
        }

        /** Modules whose numbered parts run as one, by the last parts of their names. */
        public Builder sequences(String... names) {
            sequences = List.of(names);
            return this;
        }

        /** A task that the family serves. */
        public Builder head(TaskType task, String module, String className) {
            heads.put(task, new Head(module, className));
            return this;
        }

        /** Modules of a block that have its bottlenecks, each with its first dot. */
        public Builder adapters(String behindAttention, String behindFeedForward) {
            attentionAdapters = behindAttention;
            outputAdapters = behindFeedForward;
            return this;
        }

        /** Heads may share keys. */
        public Builder groupedKeys() {
            groupedKeys = true;
            return this;
        }

        /** Models take no keys and values in front of a sequence. */
        public Builder withoutKeysInFront() {
            keysInFront = false;
            return this;
        }

        /** Linear weights are (in, out) in files. */
        public Builder fanInFanOut() {
            fanInFanOut = true;
            return this;
        }

        /** Modules that were called otherwise: pairs as {@link OtherNames#of} takes them. */
        public Builder olderNames(String... pairs) {
            olderNames = OtherNames.of(pairs);
            return this;
        }

        /** Modules that other libraries call otherwise: pairs as {@link OtherNames#of} takes them. */
        public Builder namesElsewhere(String... pairs) {
            namesElsewhere = OtherNames.of(pairs);
            return this;
        }

        /** The traits. */
        public FamilyTraits build() {
            return new FamilyTraits(
                    prefix,
                    targets,
                    feedForward,
                    sequences,
                    heads,
                    attentionAdapters,
                    outputAdapters,
                    groupedKeys,
                    keysInFront,
                    fanInFanOut,
                    olderNames,
                    namesElsewhere);
        }
    }
}
