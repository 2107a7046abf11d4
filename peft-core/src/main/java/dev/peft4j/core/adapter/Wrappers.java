package dev.peft4j.core.adapter;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;

/** What an adapter wraps around modules, by their names, as PEFT would: it decides what tensors are called in files. */
final class Wrappers {
    private final Map<String, Wrapper> byModule = new HashMap<>();

    void put(String module, Wrapper wrapper) {
        byModule.put(module, wrapper);
    }

    Set<String> modules() {
        return byModule.keySet();
    }

    void forEach(BiConsumer<String, Wrapper> action) {
        byModule.forEach(action);
    }

    /** The name in files of a base tensor, without the prefix of all names: it is inside of what is wrapped around a layer. */
    String baseName(String tensor) {
        for (int dot = tensor.indexOf('.'); dot >= 0; dot = tensor.indexOf('.', dot + 1)) {
            Wrapper wrapper = byModule.get(tensor.substring(0, dot));
            if (wrapper != null) {
                return tensor.substring(0, dot) + wrapper.base() + tensor.substring(dot);
            }
        }
        return tensor;
    }

    /** The layer with an adapter that a name without its prefix begins with; empty if there is none. */
    String layerOf(String name) {
        for (int dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
            if (byModule.get(name.substring(0, dot)) == Wrapper.LAYER) {
                return name.substring(0, dot);
            }
        }
        return "";
    }
}
