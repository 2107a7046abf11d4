package dev.peft4j.models.data;

import java.util.AbstractList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.RandomAccess;
import org.jspecify.annotations.Nullable;

/** Names of classes in their order, of which any is found at once. Immutable. */
final class IndexedNames extends AbstractList<String> implements RandomAccess {
    private final List<String> names;
    private final Map<String, Integer> places = new HashMap<>();
    private final boolean hasNumbers;

    private IndexedNames(List<String> names) {
        this.names = names;
        for (int i = 0; i < names.size(); i++) {
            places.putIfAbsent(names.get(i), i);
        }
        hasNumbers = names.stream().anyMatch(n -> LabelText.whole(n) != null);
    }

    static IndexedNames of(Collection<String> names) {
        return names instanceof IndexedNames indexed ? indexed : new IndexedNames(List.copyOf(names));
    }

    /** Whether some are whole numbers, so that a number is never the place of a class. */
    boolean hasNumbers() {
        return hasNumbers;
    }

    @Override
    public int indexOf(@Nullable Object name) {
        return places.getOrDefault(name, -1);
    }

    @Override
    public boolean contains(@Nullable Object name) {
        return indexOf(name) >= 0;
    }

    @Override
    public String get(int index) {
        return names.get(index);
    }

    @Override
    public int size() {
        return names.size();
    }
}
