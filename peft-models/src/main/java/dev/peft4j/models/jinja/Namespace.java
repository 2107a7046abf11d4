package dev.peft4j.models.jinja;

import java.util.LinkedHashMap;
import java.util.Map;

/** The one value that a template can change: {@code {% set ns.x = 1 %}}. */
final class Namespace {
    private final Map<String, Object> values = new LinkedHashMap<>();

    Object get(String name) {
        Object value = values.get(name);
        return value != null ? value : new Undefined("the namespace has no '" + name + "'");
    }

    void set(Run run, String name, Object value) {
        if (name.startsWith("_")) {
            throw run.bad("'" + name + "' was to be set in a namespace, and names that begin with _ are not allowed");
        }
        values.put(name, value);
    }
}
