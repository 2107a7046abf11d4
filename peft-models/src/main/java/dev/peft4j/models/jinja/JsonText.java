package dev.peft4j.models.jinja;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Python's {@code json.dumps}, which is the filter {@code tojson} of transformers.
 *
 * @param ascii whether other characters are escaped
 * @param indent in front of each level; null for one line
 * @param comma between items
 * @param colon behind keys
 * @param sorted whether keys are
 */
record JsonText(boolean ascii, @Nullable String indent, String comma, String colon, boolean sorted) {
    /** With the separators that Python takes where none are given. */
    static JsonText of(boolean ascii, @Nullable String indent, boolean sorted) {
        return new JsonText(ascii, indent, indent == null ? ", " : ",", ": ", sorted);
    }

    String print(Run run, Object value) {
        Growing text = new Growing(run);
        write(run, value, 0, text);
        return text.toString();
    }

    private void write(Run run, Object value, int depth, Growing to) {
        run.enter();
        if (value instanceof String text) {
            quote(text, to);
        } else if (value instanceof List<?> list && !(value instanceof Range)) {
            writeList(run, Values.objects(list), depth, to);
        } else if (value instanceof Tuple tuple) {
            writeList(run, tuple.items(), depth, to);
        } else if (value instanceof Map<?, ?> map) {
            writeMap(run, Values.objects(map), depth, to);
        } else {
            to.add(scalar(run, value));
        }
        run.leave();
    }

    private static String scalar(Run run, Object value) {
        if (value == None.NONE) {
            return "null";
        }
        if (value instanceof Boolean || value instanceof Long) {
            return value.toString();
        }
        if (value instanceof Double number) {
            return Double.isNaN(number)
                    ? "NaN"
                    : Double.isInfinite(number) ? (number > 0 ? "Infinity" : "-Infinity") : Printed.number(number);
        }
        throw run.bad("'" + Values.typeName(value) + "' was to be written as JSON, which has no such value");
    }

    private void writeList(Run run, List<Object> items, int depth, Growing to) {
        to.add("[");
        for (int i = 0; i < items.size(); i++) {
            to.add(i == 0 ? "" : comma);
            newLine(depth + 1, to);
            write(run, items.get(i), depth + 1, to);
        }
        if (!items.isEmpty()) {
            newLine(depth, to);
        }
        to.add("]");
    }

    private void writeMap(Run run, Map<Object, Object> map, int depth, Growing to) {
        Map<Object, Object> entries = map;
        if (sorted) {
            entries = new TreeMap<>((a, b) -> Operators.compare(run, a, b));
            entries.putAll(map);
        }
        to.add("{");
        String between = "";
        for (Map.Entry<Object, Object> entry : entries.entrySet()) {
            to.add(between);
            between = comma;
            newLine(depth + 1, to);
            quote(entry.getKey() instanceof String key ? key : scalar(run, entry.getKey()), to);
            to.add(colon);
            write(run, entry.getValue(), depth + 1, to);
        }
        if (!map.isEmpty()) {
            newLine(depth, to);
        }
        to.add("}");
    }

    private void newLine(int depth, Growing to) {
        if (indent != null) {
            to.add("\n");
            for (int i = 0; i < depth; i++) {
                to.add(indent);
            }
        }
    }

    private void quote(String text, Growing to) {
        StringBuilder out = new StringBuilder(text.length() + 2).append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\f' -> out.append("\\f");
                case '\b' -> out.append("\\b");
                default -> {
                    if (c < ' ' || (ascii && c > '~')) {
                        out.append(String.format("\\u%04x", (int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        to.add(out.append('"').toString());
    }
}
