package dev.peft4j.core.train;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.io.BadFileException;
import dev.peft4j.core.io.SafetensorsFile;
import dev.peft4j.core.io.SafetensorsWriter;
import dev.peft4j.core.io.TensorInfo;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * What a run needs to go on where it stopped, beside the file of the adapter: {@code trainer_state.safetensors} with the parameters as they are trained
 * (which PEFT's file may not hold: the networks behind prompts), the moments of the optimiser, what the method remembers, and the step.
 */
final class TrainerState {
    private final Path file;
    private final TrainingConfig config;
    private final int records;
    private final int steps;
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();
    private final AdamW optimizer;

    TrainerState(Path file, TrainingConfig config, int records, int steps, List<Adapter> adapters, AdamW optimizer) {
        this.file = file;
        this.config = config;
        this.records = records;
        this.steps = steps;
        this.optimizer = optimizer;
        for (int i = 0; i < adapters.size(); i++) {
            String of = adapters.size() == 1 ? "" : i + "."; // two adapters may have the same names
            for (Parameter p : adapters.get(i).parameters()) {
                if (p.isTrainable()) {
                    AdamW.Moments m = optimizer.moments(p);
                    tensors.put("parameter." + of + p.name(), p.value());
                    tensors.put("exp_avg." + of + p.name(), m.m());
                    tensors.put("exp_avg_sq." + of + p.name(), m.v());
                }
            }
            adapters.get(i).trainingState().forEach((name, t) -> tensors.put("method." + of + name, t));
        }
    }

    /** What has to be equal for the same run to go on. */
    private Map<String, String> settings() {
        Map<String, String> s = new LinkedHashMap<>();
        s.put("seed", String.valueOf(config.seed()));
        s.put("batch_size", String.valueOf(config.batchSize()));
        s.put("group_by_length", String.valueOf(config.groupByLength()));
        s.put("accumulation", String.valueOf(config.accumulation()));
        s.put("records", String.valueOf(records));
        s.put("steps", String.valueOf(steps));
        return s;
    }

    void save(int step) throws IOException {
        SafetensorsWriter writer =
                new SafetensorsWriter().metadata("format", "pt").metadata("step", "" + step);
        settings().forEach(writer::metadata);
        tensors.forEach((name, t) -> writer.add(name, t, t.rows(), t.cols()));
        writer.write(file);
    }

    /** Reads everything back and tells the step. */
    int load() throws IOException {
        try (SafetensorsFile in = SafetensorsFile.open(file)) {
            settings().forEach((name, value) -> {
                String found = in.metadata().getOrDefault(name, "nothing");
                if (!found.equals(value)) {
                    throw new IllegalArgumentException("a run was to go on with " + name + " " + value
                            + ", and its state in " + file + " has " + found
                            + ". Use the settings that it was started with.");
                }
            });
            Set<String> names = new TreeSet<>(in.tensors().keySet());
            if (!names.equals(new TreeSet<>(tensors.keySet()))) {
                throw new BadFileException(
                        file,
                        "the state of " + tensors.size() + " tensors of this adapter was expected, the file has "
                                + names.size() + ". It belongs to another adapter; use the same method and options.");
            }
            for (Map.Entry<String, Tensor> e : tensors.entrySet()) {
                TensorInfo info = in.tensors().get(e.getKey());
                Tensor t = e.getValue();
                if (info == null || info.rows() != t.rows() || info.cols() != t.cols()) {
                    throw new BadFileException(
                            file,
                            "tensor " + e.getKey() + " was expected as " + t + ". Use the same model and options.");
                }
                in.load(e.getKey(), t);
            }
            int step = step(in);
            optimizer.setSteps(step);
            return step;
        }
    }

    private int step(SafetensorsFile in) throws BadFileException {
        String text = in.metadata().getOrDefault("step", "");
        try {
            int step = Integer.parseInt(text);
            if (step >= 0 && step <= steps) {
                return step;
            }
        } catch (NumberFormatException e) {
            throw new BadFileException(file, "the step is \"" + text + "\". The file is damaged.", e);
        }
        throw new BadFileException(file, "the step is " + text + " of " + steps + ". The file is damaged.");
    }
}
