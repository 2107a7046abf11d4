package dev.peft4j.core.compose;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.model.Model;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * An immutable base and named adapters. Which adapters are active is an argument of {@link #call}, so many threads use one model, each with other
 * adapters, and switching costs nothing. Adapters can be added, exchanged and deleted meanwhile: a pass that has begun ends with the adapters that
 * it began with, and only then their memory is freed.
 *
 * <p>Closing it closes the adapters, not the base.
 */
public final class PeftModel implements AutoCloseable {
    private final Model base;
    private final Map<String, NamedAdapter> entries = new ConcurrentSkipListMap<>();
    private final Set<List<NamedAdapter>> compatible = ConcurrentHashMap.newKeySet(); // sets that were checked
    private boolean closed; // under the lock of the entries
    private final ThreadLocal<List<Scope>> scopes = ThreadLocal.withInitial(ArrayList::new);

    /** A model without adapters. */
    public PeftModel(Model base) {
        this.base = base;
    }

    /** The base. */
    public Model base() {
        return base;
    }

    /**
     * Adds an adapter, which this model then closes.
     *
     * @throws BadInputException if the name is taken, reserved or not made of letters, digits, _ and -, or the adapter is closed or is here
     *     under another name; nothing is changed then
     */
    public void add(String name, Adapter adapter) {
        AdapterNames.check(name);
        adapter.requireFits(base);
        synchronized (entries) {
            requireOpen();
            requireOwnable(name, adapter);
            if (entries.putIfAbsent(name, new NamedAdapter(adapter)) != null) {
                throw taken(name);
            }
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new WrongUseException(
                    "an adapter was to be added to a PeftModel that is closed. Close it when nothing uses it any more.");
        }
    }

    /** Refuses what would be closed twice, or is closed already. */
    private void requireOwnable(String name, Adapter adapter) {
        if (adapter.isClosed()) {
            throw new BadInputException("a closed adapter was to be named \"" + name
                    + "\"; one that was taken out is closed too. Read or make it again.");
        }
        entries.forEach((other, e) -> {
            if (e.adapter == adapter) {
                throw new BadInputException("the adapter \"" + other + "\" was to be named \"" + name
                        + "\" too; its memory would be freed with either name. Rename it, or read it a second time.");
            }
        });
    }

    private IllegalArgumentException taken(String name) {
        return AdapterNames.taken(name, entries.keySet());
    }

    /** Makes a new adapter of a method on the class path. */
    public Adapter create(String name, PeftConfig config, long seed) {
        requireFree(name);
        Adapter adapter = AdapterFiles.method(config.peftType()).create(config, base, seed);
        return addOrClose(name, adapter);
    }

    /** Reads an adapter. */
    public Adapter load(String name, Path directory) throws IOException {
        requireFree(name);
        return addOrClose(name, AdapterFiles.load(directory, base));
    }

    private void requireFree(String name) {
        synchronized (entries) {
            requireOpen();
        }
        AdapterNames.check(name);
        if (entries.containsKey(name)) {
            throw taken(name);
        }
    }

    private Adapter addOrClose(String name, Adapter adapter) {
        try {
            add(name, adapter);
            return adapter;
        } catch (RuntimeException e) {
            adapter.close();
            throw e;
        }
    }

    /** Writes an adapter; it lasts until it is written, whatever is deleted or exchanged meanwhile. */
    public void save(String name, Path directory) throws IOException {
        NamedAdapter e = hold(name);
        try {
            AdapterFiles.save(directory, base, e.adapter);
        } finally {
            e.lease.release();
        }
    }

    /** Names of all adapters, sorted. */
    public List<String> names() {
        return List.copyOf(entries.keySet());
    }

    /**
     * An adapter.
     *
     * @throws BadInputException if there is none of that name
     */
    public Adapter adapter(String name) {
        return entry(name).adapter;
    }

    private NamedAdapter entry(String name) {
        NamedAdapter e = entries.get(name);
        if (e == null) {
            throw unknown(name);
        }
        return e;
    }

    private IllegalArgumentException unknown(String name) {
        return AdapterNames.unknown(name, entries.keySet());
    }

    /** Gives an adapter another name. */
    public void rename(String from, String to) {
        AdapterNames.check(to);
        synchronized (entries) {
            NamedAdapter e = entry(from);
            if (entries.putIfAbsent(to, e) != null) {
                throw taken(to);
            }
            entries.remove(from);
        }
    }

    /** Takes an adapter out; its memory is freed when no pass uses it any more. */
    public void delete(String name) {
        synchronized (entries) {
            NamedAdapter e = entries.remove(name);
            if (e == null) {
                throw unknown(name);
            }
            e.lease.close(e.adapter::close);
            forget(e);
        }
    }

    /**
     * Puts another adapter in the place of one: calls that begin from now on get the new one.
     *
     * @throws BadInputException if there is none of that name, or the new one is closed or is here already; it is not closed then
     */
    public void hotSwap(String name, Adapter adapter) {
        adapter.requireFits(base);
        synchronized (entries) {
            NamedAdapter old = entry(name);
            requireOwnable(name, adapter);
            entries.put(name, new NamedAdapter(adapter));
            old.lease.close(old.adapter::close);
            forget(old);
        }
    }

    /** Not those of which one was taken out meanwhile: nobody would forget them. */
    private void remember(List<NamedAdapter> set) {
        compatible.add(set);
        if (set.stream().anyMatch(e -> e.lease.isClosed())) {
            compatible.remove(set);
        }
    }

    private void forget(NamedAdapter entry) {
        compatible.removeIf(set -> set.contains(entry));
    }

    /**
     * A run with some adapters, which it holds until the pass is closed.
     *
     * @throws BadInputException if one is not there, or two of a set put something in the place of the same tensor
     */
    public Call call(Pass pass, Active active) {
        List<List<NamedAdapter>> sets = new ArrayList<>();
        Set<NamedAdapter> held = new HashSet<>();
        try {
            for (List<String> names : active.sets()) {
                List<NamedAdapter> set = new ArrayList<>();
                for (String name : names) {
                    if (!isDisabled(name)) {
                        set.add(hold(name, held));
                    }
                }
                if (set.size() > 1 && !compatible.contains(set)) {
                    Conflicts.check(base, set.stream().map(e -> e.adapter).toList());
                    remember(List.copyOf(set));
                }
                sets.add(set);
            }
        } catch (RuntimeException e) {
            held.forEach(e2 -> e2.lease.release());
            throw e;
        }
        Runnable release = () -> held.forEach(e -> e.lease.release());
        try {
            pass.onClose(release);
        } catch (RuntimeException e) {
            release.run();
            throw e;
        }
        List<List<Adapter>> adapters =
                sets.stream().map(s -> s.stream().map(e -> e.adapter).toList()).toList();
        return active.perSequence() ? Call.perSequence(pass, adapters) : Call.of(pass, adapters.get(0));
    }

    /** The adapter of a name now, held once by those that hold these. */
    private NamedAdapter hold(String name, Collection<NamedAdapter> held) {
        while (true) {
            NamedAdapter e = entry(name);
            if (held.contains(e)) {
                return e;
            }
            if (e.lease.tryAcquire()) {
                held.add(e);
                return e;
            }
        }
    }

    private NamedAdapter hold(String name) {
        return hold(name, new ArrayList<>());
    }

    /** Adapters that this thread leaves out of its calls until the scope is closed; scopes may be nested. */
    public final class Scope implements AutoCloseable {
        private final Set<String> names; // empty for all

        private Scope(Set<String> names) {
            this.names = names;
        }

        @Override
        public void close() {
            scopes.get().remove(this);
        }
    }

    /** Leaves some adapters, or all if none is named, out of the calls of this thread until the scope is closed. */
    public Scope disable(String... names) {
        for (String name : names) {
            entry(name);
        }
        Scope scope = new Scope(Set.of(names));
        scopes.get().add(scope);
        return scope;
    }

    private boolean isDisabled(String name) {
        for (Scope s : scopes.get()) {
            if (s.names.isEmpty() || s.names.contains(name)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Merges adapters into copies of the base's tensors and adds the result as an adapter of its own; deleting it is unmerging, and the base has not changed.
     *
     * @param name of the result
     * @param probe a batch to compare on
     */
    public MergeReport merge(String name, List<String> adapters, Batch probe) {
        requireFree(name);
        List<NamedAdapter> held = new ArrayList<>();
        try {
            List<Adapter> all = new ArrayList<>();
            adapters.forEach(n -> all.add(hold(n, held).adapter));
            MergedAdapter merged = MergedAdapter.of(base, all);
            MergeReport report = reportOrClose(merged, all, probe);
            addOrClose(name, merged);
            return report;
        } finally {
            held.forEach(e -> e.lease.release());
        }
    }

    private MergeReport reportOrClose(MergedAdapter merged, List<Adapter> adapters, Batch probe) {
        try {
            return merged.report(base, adapters, probe);
        } catch (RuntimeException e) {
            merged.close();
            throw e;
        }
    }

    /** A line for each adapter. */
    public List<AdapterStatus> status() {
        List<AdapterStatus> all = new ArrayList<>();
        entries.forEach((name, e) -> {
            all.add(AdapterStatus.of(name, e.adapter, base, e.lease.users()));
        });
        return all;
    }

    @Override
    public void close() {
        synchronized (entries) {
            closed = true;
            entries.keySet().forEach(this::delete);
        }
    }
}
