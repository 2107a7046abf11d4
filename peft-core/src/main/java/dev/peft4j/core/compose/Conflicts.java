package dev.peft4j.core.compose;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.ModelSites;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Adapters that cannot be active together: they put something in the place of the same base tensor or token. */
public final class Conflicts {
    private Conflicts() {}

    /**
     * Makes sure that adapters can be active together.
     *
     * @throws BadInputException naming the first tensor or token that two of them replace
     */
    public static void check(ModelSites model, List<Adapter> adapters) {
        if (adapters.size() < 2) {
            return;
        }
        for (String name : model.usedNames()) {
            long count =
                    adapters.stream().filter(a -> a.replacement(name) != null).count();
            if (count > 1) {
                throw new BadInputException(count + " of the " + adapters.size()
                        + " adapters have a trained copy of " + name
                        + " (modules_to_save or bias); at most one can take its place. Make one of them active.");
            }
        }
        Map<String, Adapter> owner = new HashMap<>();
        for (Adapter a : adapters) {
            a.trainedRows().forEach((table, rows) -> {
                for (int row : rows) {
                    Adapter other = owner.put(table + " " + row, a);
                    if (other != null && other != a) {
                        throw new BadInputException("two of the " + adapters.size()
                                + " adapters have a trained row for the token " + row + " of " + table
                                + "; at most one can take its place. Make one of them active.");
                    }
                }
            });
        }
    }
}
