package dev.peft4j.core.compose;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.autograd.Lease;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.EmbeddingSite;
import dev.peft4j.core.site.LinearSite;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.regex.Pattern;

/**
 * An immutable base and named adapters. Which adapters are active is an argument of {@link #call}, so many threads use one model, each with other
 * adapters, and switching costs nothing. Adapters can be added, exchanged and deleted meanwhile: a pass that has begun ends with the adapters that
 * it began with, and only then their memory is freed.
 *
 * <p>Closing it closes the adapters, not the base.
 */
public final class PeftModel implements AutoCloseable {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-]{1,200}");
    /** PEFT cannot open a directory of several adapters in which one has such a name. */
    private static final Set<String> RESERVED =
            new TreeSet<>(Set.of(Active.BASE, "lora", "lora_", "base_model", "base_layer"));

    private final Model base;
    private final Map<String, Entry> entries = new ConcurrentSkipListMap<>();
    private final Set<List<Entry>> compatible = ConcurrentHashMap.newKeySet(); // sets that were checked
    private boolean closed; // under the lock of the entries
    private final ThreadLocal<List<Scope>> scopes = ThreadLocal.withInitial(ArrayList::new);

    /** An adapter and its uses; it is closed when it was taken out and the last of them has ended. */
    private static final class Entry {
        final Adapter adapter;
        final Lease lease;

        Entry(Adapter adapter) {
            this.adapter = adapter;
            this.lease = new Lease("an adapter that was taken out of a PeftModel");
        }
    }

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
     * @throws IllegalArgumentException if the name is taken, reserved or not made of letters, digits, _ and -, or the adapter is closed or is here
     *     under another name; nothing is changed then
     */
    public void add(String name, Adapter adapter) {
        checkName(name);
        adapter.requireFits(base);
        synchronized (entries) {
            requireOpen();
            requireOwnable(name, adapter);
            if (entries.putIfAbsent(name, new Entry(adapter)) != null) {
                throw taken(name);
            }
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException(
                    "an adapter was to be added to a PeftModel that is closed. Close it when nothing uses it any more.");
        }
    }

    /** Refuses what would be closed twice, or is closed already. */
    private void requireOwnable(String name, Adapter adapter) {
        if (adapter.isClosed()) {
            throw new IllegalArgumentException("a closed adapter was to be named \"" + name
                    + "\"; one that was taken out is closed too. Read or make it again.");
        }
        entries.forEach((other, e) -> {
            if (e.adapter == adapter) {
                throw new IllegalArgumentException("the adapter \"" + other + "\" was to be named \"" + name
                        + "\" too; its memory would be freed with either name. Rename it, or read it a second time.");
            }
        });
    }

    private IllegalArgumentException taken(String name) {
        return new IllegalArgumentException(
                "an adapter was to be named \"" + name + "\", and there is one of that name among " + entries.keySet()
                        + ". Choose another name, or exchange it.");
    }

    private static void checkName(String name) {
        if (!NAME.matcher(name).matches() || RESERVED.contains(name)) {
            throw new IllegalArgumentException(
                    "an adapter was to be named \"" + name + "\"; a name has letters, digits, _ and - only, and "
                            + RESERVED + " are reserved. Choose another name.");
        }
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
        checkName(name);
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
        Entry e = hold(name);
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
     * @throws IllegalArgumentException if there is none of that name
     */
    public Adapter adapter(String name) {
        return entry(name).adapter;
    }

    private Entry entry(String name) {
        Entry e = entries.get(name);
        if (e == null) {
            throw unknown(name);
        }
        return e;
    }

    private IllegalArgumentException unknown(String name) {
        return new IllegalArgumentException("the adapter \"" + name + "\" was asked for; there are " + entries.keySet()
                + ". Add it first, or use " + Active.BASE + " for the base alone.");
    }

    /** Gives an adapter another name. */
    public void rename(String from, String to) {
        checkName(to);
        synchronized (entries) {
            Entry e = entry(from);
            if (entries.putIfAbsent(to, e) != null) {
                throw taken(to);
            }
            entries.remove(from);
        }
    }

    /** Takes an adapter out; its memory is freed when no pass uses it any more. */
    public void delete(String name) {
        synchronized (entries) {
            Entry e = entries.remove(name);
            if (e == null) {
                throw unknown(name);
            }
            forget(e);
            e.lease.close(e.adapter::close);
        }
    }

    /**
     * Puts another adapter in the place of one: calls that begin from now on get the new one.
     *
     * @throws IllegalArgumentException if there is none of that name, or the new one is closed or is here already; it is not closed then
     */
    public void hotSwap(String name, Adapter adapter) {
        adapter.requireFits(base);
        synchronized (entries) {
            Entry old = entry(name);
            requireOwnable(name, adapter);
            entries.put(name, new Entry(adapter));
            forget(old);
            old.lease.close(old.adapter::close);
        }
    }

    private void forget(Entry entry) {
        compatible.removeIf(set -> set.contains(entry));
    }

    /**
     * A run with some adapters, which it holds until the pass is closed.
     *
     * @throws IllegalArgumentException if one is not there, or two of a set put something in the place of the same tensor
     */
    public Call call(Pass pass, Active active) {
        List<List<Entry>> sets = new ArrayList<>();
        Set<Entry> held = new HashSet<>();
        try {
            for (List<String> names : active.sets()) {
                List<Entry> set = new ArrayList<>();
                for (String name : names) {
                    if (!isDisabled(name)) {
                        set.add(hold(name, held));
                    }
                }
                if (set.size() > 1 && !compatible.contains(set)) {
                    Conflicts.check(base, set.stream().map(e -> e.adapter).toList());
                    compatible.add(List.copyOf(set));
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
    private Entry hold(String name, Collection<Entry> held) {
        while (true) {
            Entry e = entry(name);
            if (held.contains(e)) {
                return e;
            }
            if (e.lease.tryAcquire()) {
                held.add(e);
                return e;
            }
        }
    }

    private Entry hold(String name) {
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
        List<Entry> held = new ArrayList<>();
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
            Adapter a = e.adapter;
            int layers = 0;
            for (LinearSite s : base.linearSites()) {
                layers += a.actsAt(s) ? 1 : 0;
            }
            for (EmbeddingSite s : base.embeddingSites()) {
                layers += a.actsAt(s) ? 1 : 0;
            }
            all.add(new AdapterStatus(
                    name,
                    a.config().peftType(),
                    a.parameters().stream().mapToLong(Parameter::size).sum(),
                    a.trainableCount(),
                    layers,
                    base.tensorNames().stream()
                            .filter(n -> a.replacement(n) != null)
                            .toList(),
                    e.lease.users()));
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
