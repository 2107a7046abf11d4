package dev.peft4j.core.site;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Finds the blocks of a model by the names of its tensors. */
final class BlockNames {
    private static final Pattern FIRST_NUMBER = Pattern.compile("(.*?)\\.(\\d+)\\..*");

    private BlockNames() {}

    /**
     * The elements of the outermost list with most tensors, in the order in which they are first named; none if no name has a number.
     *
     * @param tensors in the order of the forward pass
     */
    static List<String> of(Collection<String> tensors) {
        Map<String, Set<String>> elements = new LinkedHashMap<>();
        Map<String, Integer> counts = new LinkedHashMap<>();
        String most = "";
        for (String tensor : tensors) {
            Matcher m = FIRST_NUMBER.matcher(tensor);
            if (m.matches()) {
                String list = m.group(1);
                elements.computeIfAbsent(list, l -> new LinkedHashSet<>()).add(list + "." + m.group(2));
                int count = counts.merge(list, 1, Integer::sum);
                if (most.isEmpty() || count > counts.getOrDefault(most, 0)) {
                    most = list;
                }
            }
        }
        return new ArrayList<>(elements.getOrDefault(most, Set.of()));
    }
}
