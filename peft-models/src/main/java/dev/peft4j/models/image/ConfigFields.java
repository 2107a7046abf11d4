package dev.peft4j.models.image;

import dev.peft4j.core.error.BadFileException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The fields of a JSON file, which are checked when they are asked for; one that is null counts as missing.
 *
 * @param file for messages
 * @param all by name
 */
record ConfigFields(Path file, Map<String, Object> all) {
    @Nullable
    Object get(String name) {
        return all.get(name);
    }

    List<Double> numbers(String name, List<Double> otherwise, int channels) throws IOException {
        Object v = all.get(name);
        if (v == null) {
            return otherwise.subList(0, channels);
        }
        if (v instanceof Number n) {
            return Collections.nCopies(channels, n.doubleValue());
        }
        List<Double> numbers = new ArrayList<>();
        for (Object each : v instanceof List<?> list ? list : List.of("none")) {
            if (!(each instanceof Number n)) {
                throw bad("\"" + name + "\" is " + v + " where a number for each channel was expected. Correct it.");
            }
            numbers.add(n.doubleValue());
        }
        return numbers;
    }

    double number(String name, double otherwise) throws IOException {
        Object v = all.get(name);
        if (v == null) {
            return otherwise;
        }
        if (v instanceof Number n) {
            return n.doubleValue();
        }
        throw bad("\"" + name + "\" is " + v + " where a number was expected. Correct it.");
    }

    int whole(String name, @Nullable Object v) throws IOException {
        if (v instanceof Integer n) {
            return n;
        }
        throw bad("\"" + name + "\" has " + v + " where a whole number was expected. Correct it.");
    }

    boolean flag(String name, boolean otherwise) throws IOException {
        Object v = all.get(name);
        if (v == null) {
            return otherwise;
        }
        if (v instanceof Boolean b) {
            return b;
        }
        throw bad("\"" + name + "\" is " + v + " where true or false was expected. Correct it.");
    }

    String text(String name, String otherwise) throws IOException {
        Object v = all.get(name);
        if (v == null) {
            return otherwise;
        }
        if (v instanceof String s) {
            return s;
        }
        throw bad("\"" + name + "\" is " + v + " where a text was expected. Correct it.");
    }

    BadFileException bad(String problem) {
        return new BadFileException(file, problem);
    }
}
