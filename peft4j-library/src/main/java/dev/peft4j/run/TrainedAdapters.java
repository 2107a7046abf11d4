package dev.peft4j.run;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.model.Model;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The adapters of a run: frozen ones, and on them those that are trained, by their names. Closing it closes all of them. */
public final class TrainedAdapters implements AutoCloseable {
    private final List<Adapter> frozen;
    private final Map<String, Adapter> trained = new LinkedHashMap<>();

    /** A set in which nothing is trained yet. */
    public TrainedAdapters(List<Adapter> frozen) {
        this.frozen = List.copyOf(frozen);
    }

    /** Adds an adapter that is trained. */
    public void add(String name, Adapter adapter) {
        trained.put(name, adapter);
    }

    /** Whether one of them has the head of the task: one of all that are active together trains it. */
    public boolean hasHead(Model model) {
        return model.taskModules().stream()
                .flatMap(m -> model.tensorNames().stream().filter(name -> name.startsWith(m + ".")))
                .anyMatch(name -> all().stream().anyMatch(a -> a.replacement(name) != null));
    }

    /** Where they are written by their names: the directory that was given, or for several ones in it. */
    public static List<Path> directories(Path out, List<String> names) {
        return names.stream()
                .map(name -> names.size() == 1 ? out : out.resolve(name))
                .toList();
    }

    /** Where those that are trained are written. */
    public List<Path> directories(Path out) {
        return directories(out, List.copyOf(trained.keySet()));
    }

    /** In the order in which they act. */
    public List<Adapter> all() {
        List<Adapter> all = new ArrayList<>(frozen);
        all.addAll(trained.values());
        return all;
    }

    /** Places of the context that they take in front of each sequence. */
    public int rowsInFront() {
        return all().stream().mapToInt(Adapter::rowsInFront).sum();
    }

    /** Elements that are trained. */
    public long trainableCount() {
        return trained.values().stream().mapToLong(Adapter::trainableCount).sum();
    }

    /**
     * Writes those that are trained.
     *
     * @param notes that are saved with each, such as the names of classes
     */
    public void save(Path out, Model model, Map<String, String> notes) throws IOException {
        List<Path> directories = directories(out);
        int next = 0;
        for (Adapter adapter : trained.values()) {
            AdapterFiles.save(directories.get(next++), model, adapter, notes);
        }
    }

    @Override
    public void close() {
        all().forEach(Adapter::close);
    }
}
