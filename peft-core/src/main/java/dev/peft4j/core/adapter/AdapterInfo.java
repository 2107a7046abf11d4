package dev.peft4j.core.adapter;

import dev.peft4j.core.format.TensorInfo;
import dev.peft4j.core.site.ModelSites;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What an adapter directory says of itself before there is a model to read it for.
 *
 * @param method {@code peft_type}
 * @param outputs of the head that was trained with the adapter: classes, labels or numbers; 0 if it has none
 * @param notes that were saved with it: see {@link AdapterFiles#save(java.nio.file.Path, ModelSites, Adapter, Map)}
 */
public record AdapterInfo(String method, int outputs, Map<String, String> notes) {
    static AdapterInfo of(String method, Map<String, TensorInfo> tensors, Map<String, String> metadata) {
        Map<String, String> notes = new TreeMap<>(metadata);
        notes.keySet().removeAll(Set.of("format", SavedConfig.KEY, TensorFiles.SAVE));
        return new AdapterInfo(method, outputs(tensors), notes);
    }

    /** Rows of the head of a classifier, by whichever of its names. */
    private static int outputs(Map<String, TensorInfo> tensors) {
        for (Map.Entry<String, TensorInfo> t : tensors.entrySet()) {
            String name = SavedNames.canonical(t.getKey());
            if (WholeModules.CLASSIFIERS.stream().anyMatch(c -> TargetModules.matches(c + ".weight", name))) {
                return t.getValue().rows();
            }
        }
        return 0;
    }
}
