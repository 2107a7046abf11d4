package dev.peft4j.core.adapter;

import dev.peft4j.core.format.Json;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What ties the tensors of an adapter to its config: they are two files, and a process may be killed between their renames, or somebody mixes the files of
 * two saves. What the config meant is written with the tensors.
 */
final class SavedConfig {
    /** Key in the metadata of the tensors. */
    static final String KEY = "peft4j_config";

    /** Fields that change nothing of what an adapter computes, and that other programs change; and those of which the shapes of the tensors tell. */
    private static final Set<String> FREE = Set.of(
            "auto_mapping",
            "base_model_name_or_path",
            "inference_mode",
            "peft_version",
            "revision",
            "task_type",
            "r",
            "rank_pattern",
            "lora_dropout",
            "rank_dropout",
            "module_dropout",
            "vera_dropout");

    private SavedConfig() {}

    /** What is written with the tensors. */
    static String of(Map<String, Object> config) throws IOException {
        Map<String, Object> meaning = new TreeMap<>(config);
        meaning.keySet().removeAll(FREE);
        return Json.printLine(meaning);
    }

    /**
     * The fields of a config that mean something else than when tensors were saved, each with both values; none if the tensors tell nothing. Fields
     * that were not there then are new, and read for what they are.
     *
     * @param file for messages
     * @param saved what was written with the tensors, or null
     */
    static List<String> differences(Path file, @Nullable String saved, Map<String, Object> config) throws IOException {
        List<String> all = new ArrayList<>();
        if (saved != null) {
            Json.parse(file, saved).forEach((field, then) -> {
                Object now = config.get(field);
                if (!FREE.contains(field) && !Objects.equals(plain(then), plain(now))) {
                    all.add("\"" + field + "\": " + now + ", saved with " + then);
                }
            });
        }
        return all;
    }

    /** Numbers of one kind, and names in one order. */
    private static @Nullable Object plain(@Nullable Object value) {
        if (value instanceof Number n) {
            return n.doubleValue();
        }
        if (value instanceof List<?> list && list.stream().allMatch(String.class::isInstance)) {
            return Set.copyOf(list);
        }
        return value;
    }
}
