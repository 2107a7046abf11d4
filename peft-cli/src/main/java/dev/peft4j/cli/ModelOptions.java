package dev.peft4j.cli;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.model.Conflicts;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.models.ModelInfo;
import dev.peft4j.models.Models;
import dev.peft4j.models.data.Classes;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** Which model, and on how many threads. */
final class ModelOptions {
    @Option(
            names = "--model",
            required = true,
            paramLabel = "DIR",
            description = "Hugging Face directory: config.json, model.safetensors (or shards), tokenizer.json")
    Path model = Path.of("");

    @Option(
            names = "--classes",
            paramLabel = "N",
            description =
                    "classes of a classifier with a new head; 1 predicts a number (default: those of the adapter, of the checkpoint, or of the records)")
    int classes;

    @Option(names = "--threads", paramLabel = "N", description = "threads to compute with (default: all cores)")
    int threads;

    /** Opens the model, with as many classes as its adapters have. */
    Model open(List<Path> adapters) throws IOException {
        return open(Classes.outputs(ModelInfo.read(model), classes, adapters), 0);
    }

    /**
     * Opens the model.
     *
     * @param outputs of a classifier; 0 for those of the checkpoint
     * @param seed of layers that the checkpoint does not have
     */
    Model open(int outputs, long seed) throws IOException {
        useThreads(threads);
        return open(model, outputs, seed);
    }

    static Model open(Path directory, int outputs, long seed) throws IOException {
        return Models.load(directory, Backend.auto(), outputs, seed);
    }

    /** How many threads the backend gets when it is made; 0 for all cores. */
    static void useThreads(int threads) {
        if (threads < 0) {
            throw new IllegalArgumentException("--threads " + threads
                    + " was asked for, and a number from 1 on was expected. Leave it out to use all cores.");
        }
        if (threads > 0) {
            System.setProperty("peft4j.threads", String.valueOf(threads));
        }
    }

    /** The adapters of directories, frozen; the caller closes them. */
    static List<Adapter> adapters(List<Path> directories, Model model) throws IOException {
        List<Adapter> all = new ArrayList<>();
        try {
            for (Path directory : directories) {
                all.add(AdapterFiles.load(directory, model));
            }
            Conflicts.check(model, all);
        } catch (IOException | RuntimeException e) {
            all.forEach(Adapter::close);
            throw e;
        }
        all.forEach(Adapter::freeze);
        return all;
    }
}
