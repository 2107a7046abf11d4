package dev.peft4j.cli;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.FullFineTuning;
import dev.peft4j.core.model.Model;
import dev.peft4j.models.TextTokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The adapters of a run: frozen ones, and on them those that are trained, by the names of their methods. */
final class AdapterSet implements AutoCloseable {
    private final List<Adapter> frozen;
    private final Map<String, Adapter> trained = new LinkedHashMap<>();

    private AdapterSet(List<Adapter> frozen) {
        this.frozen = frozen;
    }

    /**
     * New adapters of the methods that were asked for; one of all that are active together trains the head of a classifier.
     *
     * @param below directories of adapters that stay as they are
     */
    static AdapterSet create(MethodOptions methods, List<Path> below, Model model, TextTokenizer tokenizer, long seed)
            throws IOException {
        AdapterSet set = new AdapterSet(ModelOptions.adapters(below, model));
        try {
            if (methods.isFull()) {
                set.trained.put(MethodOptions.FULL, new FullFineTuning(model));
                return set;
            }
            boolean head = set.frozen.stream().noneMatch(a -> hasHead(a, model));
            for (String name : methods.names()) {
                Adapter adapter = methods.create(name, model, tokenizer, seed + set.trained.size(), head);
                set.trained.put(name, adapter);
                head &= !hasHead(adapter, model);
            }
            return set;
        } catch (RuntimeException e) {
            set.close();
            throw e;
        }
    }

    private static boolean hasHead(Adapter adapter, Model model) {
        return model.taskModules().stream().anyMatch(m -> adapter.replacement(m + ".weight") != null);
    }

    /** Directories of adapters by the names of their methods: the one that was given, or for several ones in it. */
    private static Path directory(Path out, String name, int count) {
        return count == 1 ? out : out.resolve(name);
    }

    /** Where those that are trained are written. */
    List<Path> directories(Path out) {
        return directories(out, List.copyOf(trained.keySet()));
    }

    /** Where adapters of these methods are written. */
    static List<Path> directories(Path out, List<String> names) {
        return names.stream().map(name -> directory(out, name, names.size())).toList();
    }

    /** In the order in which they act. */
    List<Adapter> all() {
        List<Adapter> all = new ArrayList<>(frozen);
        all.addAll(trained.values());
        return all;
    }

    int rowsInFront() {
        return all().stream().mapToInt(Adapter::rowsInFront).sum();
    }

    long trainableCount() {
        return trained.values().stream().mapToLong(Adapter::trainableCount).sum();
    }

    /** Writes those that are trained. */
    void save(Path out, Model model, Map<String, String> notes) throws IOException {
        for (Map.Entry<String, Adapter> e : trained.entrySet()) {
            AdapterFiles.save(directory(out, e.getKey(), trained.size()), e.getValue(), model, notes);
        }
    }

    @Override
    public void close() {
        all().forEach(Adapter::close);
    }
}
