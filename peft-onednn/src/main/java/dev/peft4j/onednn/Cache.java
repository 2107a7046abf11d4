package dev.peft4j.onednn;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;

/** What a thread has compiled, of each kind the latest ones. */
final class Cache<K, P> {
    private static final int MOST = 512;

    private final Map<K, P> compiled = new LinkedHashMap<>(16, 0.75f, true);
    private final Function<K, P> compile;
    private final Consumer<P> close;

    Cache(Function<K, P> compile, Consumer<P> close) {
        this.compile = compile;
        this.close = close;
    }

    P get(K key) {
        P found = compiled.get(key);
        if (found == null) {
            found = compile.apply(key);
            compiled.put(key, found);
            if (compiled.size() > MOST) { // the one that was not used for the longest time
                Iterator<P> oldest = compiled.values().iterator();
                close.accept(oldest.next());
                oldest.remove();
            }
        }
        return found;
    }

    void close() {
        compiled.values().forEach(close);
    }
}
