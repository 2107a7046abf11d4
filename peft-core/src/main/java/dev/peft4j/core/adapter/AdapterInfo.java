package dev.peft4j.core.adapter;

import dev.peft4j.core.format.TensorInfo;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.TaskType;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What an adapter directory says of itself before there is a model to read it for.
 *
 * @param method {@code peft_type}
 * @param task that it was trained for: {@code task_type}, where {@code SEQ_2_SEQ_LM} is a language model as any; null if it does not say, or says none of PEFT's
 * @param rows of each weight in its files, by names of PEFT
 * @param notes that were saved with it: see {@link AdapterFiles#save(java.nio.file.Path, ModelSites, Adapter, Map)}
 */
public record AdapterInfo(
        String method, @Nullable TaskType task, Map<String, Integer> rows, Map<String, String> notes) {
    static AdapterInfo of(
            String method, @Nullable Object task, Map<String, TensorInfo> tensors, Map<String, String> metadata) {
        Map<String, String> notes = new TreeMap<>(metadata);
        notes.keySet().removeAll(Set.of("format", SavedConfig.KEY, TensorFiles.SAVE));
        Map<String, Integer> rows = new TreeMap<>();
        tensors.forEach((name, t) -> rows.put(SavedNames.canonical(name), t.rows()));
        return new AdapterInfo(method, task(task), rows, notes);
    }

    /** What is no task of PEFT is left to the reader, which refuses it. */
    private static @Nullable TaskType task(@Nullable Object said) {
        if ("SEQ_2_SEQ_LM".equals(said)) {
            return TaskType.CAUSAL_LM;
        }
        return Arrays.stream(TaskType.values())
                .filter(t -> t.peftName().filter(n -> n.equals(said)).isPresent())
                .findFirst()
                .orElse(null);
    }

    /**
     * Outputs of the head of a classifier that was trained with the adapter: classes, labels or numbers; 0 if it has none.
     *
     * @param head name of the module in the model; empty if it has none
     */
    public int outputs(String head) {
        for (Map.Entry<String, Integer> t : rows.entrySet()) {
            boolean isHead = !head.isEmpty() && TargetModules.matches(head + ".weight", t.getKey());
            if (isHead
                    || WholeModules.CLASSIFIERS.stream()
                            .anyMatch(c -> TargetModules.matches(c + ".weight", t.getKey()))) {
                return t.getValue();
            }
        }
        return 0;
    }
}
