package dev.peft4j.cli;

import dev.peft4j.run.RunDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a run writes and what it reads.
 *
 * @param out where adapters or a model go
 * @param adapters directories that are written
 * @param data records
 * @param evalData held-out ones, or null
 * @param model directory
 * @param below directories of adapters that are read
 */
record TrainPaths(Path out, List<Path> adapters, Path data, @Nullable Path evalData, Path model, List<Path> below) {
    /** Makes sure that nothing that is written is read. */
    void requireApart() throws IOException {
        List<Path> written = new ArrayList<>(adapters);
        written.add(out);
        for (String name : List.of(RunDirectory.LOG, RunDirectory.REPORT, RunDirectory.STATE)) {
            written.add(out.resolve(name));
            written.add(Path.of(out + "-report").resolve(name));
        }
        List<Path> read = new ArrayList<>(below);
        read.add(data);
        read.add(model);
        if (evalData != null) {
            read.add(evalData);
        }
        RunDirectory.requireApart(written, read);
    }
}
