package dev.peft4j;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.models.ModelInfo;
import dev.peft4j.models.data.Classes;
import dev.peft4j.models.data.Labels;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * An adapter by name.
 *
 * @param base that it belongs to
 * @param labels what it predicts, or null if it says nothing of that
 * @param hasHead whether it brings the head of the task
 */
record Loaded(Base base, @Nullable Labels labels, boolean hasHead) {
    /** Refuses a name that one has, or that one is being read under. */
    static void requireFree(String name, Set<String> loading, Set<String> taken) {
        if (loading.contains(name)) {
            throw new BadInputException("an adapter was to be named \"" + name
                    + "\", and one is being read under that name. Choose another name.");
        }
        if (taken.contains(name)) {
            throw new BadInputException("an adapter was to be named \"" + name
                    + "\", and there is one of that name among " + taken + ". Choose another name.");
        }
    }

    /** What some of them predict together: that of the head that is theirs, or of the checkpoint. */
    static Labels labels(ModelInfo model, List<Loaded> chosen) throws IOException {
        Labels any = null;
        for (Loaded l : chosen) {
            if (l.hasHead && l.labels != null) {
                return l.labels;
            }
            any = any == null ? l.labels : any;
        }
        return any != null ? any : Classes.known(model, List.of());
    }
}
