package dev.peft4j.core.adapter;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What an {@code adapter_config.json} that was read has besides what a config has a place for. It is written again as it was.
 *
 * @param unknown fields that no method knows
 * @param unusable values of fields that only training reads, and that nothing can be trained with
 * @param read whether there was a file; names that match nothing are then no error, as they may belong to another part of a larger model
 */
public record OtherFields(Map<String, Object> unknown, Map<String, Object> unusable, boolean read) {
    /** Of a config that was not read from a file. */
    public static final OtherFields NONE = new OtherFields(Map.of(), Map.of(), false);

    /** Copies the maps, whose values may be null. */
    public OtherFields {
        unknown = Collections.unmodifiableMap(new LinkedHashMap<>(unknown));
        unusable = Collections.unmodifiableMap(new LinkedHashMap<>(unusable));
    }

    /** The fields that nothing can be trained with, with their values. */
    public List<String> untrainable() {
        List<String> all = new ArrayList<>();
        unusable.forEach((name, value) -> all.add(name + " " + PythonValue.shown(value)));
        return all;
    }
}
