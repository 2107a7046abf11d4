package dev.peft4j.core.train;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.BaseTuning;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.NonFiniteException;
import dev.peft4j.core.format.SafetensorsFile;
import dev.peft4j.core.format.SafetensorsWriter;
import dev.peft4j.core.format.TensorInfo;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * What a run needs to go on where it stopped, beside the file of the adapter: {@code trainer_state.safetensors} with the parameters as they are trained
 * (which PEFT's file may not hold: the networks behind prompts), the moments of the optimiser, what the method and early stopping remember, and the step.
 */
final class TrainerState {
    static final String NOTHING = "nothing"; // of an option that is off, and of one that older states do not have
    private static final String PROGRESS = "progress";
    private static final String STEPS = "step."; // of single parameters

    private final Path file;
    private final Map<String, String> identity;
    private final Progress progress;
    private final Optimizer optimizer;
    private final int steps;
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();

    /**
     * The state of a run.
     *
     * @param identity what has to be equal for the same run to go on, by names
     * @param steps of the whole run
     */
    TrainerState(
            Path file,
            Map<String, String> identity,
            List<Adapter> adapters,
            Progress progress,
            Optimizer optimizer,
            int steps) {
        this.file = file;
        this.identity = identity;
        this.progress = progress;
        this.optimizer = optimizer;
        this.steps = steps;
        int best = 0;
        for (int i = 0; i < adapters.size(); i++) {
            String of = adapters.size() == 1 ? "" : i + "."; // two adapters may have the same names
            for (Parameter p : changing(adapters.get(i))) {
                String name = of + p.name();
                tensors.put("parameter." + name, p.value());
                if (p.isTrainable()) {
                    optimizer.state(p).forEach((kind, t) -> tensors.put(kind + "." + name, t));
                }
                if (!progress.bestValues().isEmpty()) {
                    tensors.put("best." + name, progress.bestValues().get(best++));
                }
            }
            adapters.get(i).trainingState().forEach((name, t) -> tensors.put("method." + of + name, t));
        }
    }

    /** The parameters of an adapter that a run changes: those that are trained, and running statistics. */
    static List<Parameter> changing(Adapter adapter) {
        List<Parameter> statistics = adapter instanceof BaseTuning base ? base.statistics() : List.of();
        return adapter.parameters().stream()
                .filter(p -> p.isTrainable() || statistics.contains(p))
                .toList();
    }

    /**
     * Writes everything.
     *
     * @throws NonFiniteException if something is infinite or not a number, with which nobody could go on; an older state stays
     */
    void save() throws IOException {
        tensors.forEach((name, t) -> {
            if (!t.isFinite()) {
                throw new NonFiniteException(name);
            }
        });
        SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
        writer.metadata(PROGRESS, progress.toJson());
        identity.forEach(writer::metadata);
        tensors.forEach((name, t) -> writer.add(name, t, t.rows(), t.cols()));
        writer.write(file);
    }

    /** Reads everything back, after it has made sure that it is the same run. */
    void load() throws IOException {
        if (!Files.exists(file)) {
            throw new BadFileException(
                    file,
                    "a run was to go on, and there is nothing to go on from: no state was saved here. Check the"
                            + " directory, or begin a new run.");
        }
        try (SafetensorsFile in = SafetensorsFile.open(file)) {
            String text = in.metadata().get(PROGRESS);
            if (text == null) {
                text = finishedBefore(in.metadata());
            } else {
                requireSameRun(in.metadata());
            }
            requireSameTensors(in.tensors());
            try {
                progress.read(text);
            } catch (IOException | IllegalArgumentException | ArithmeticException e) {
                throw new BadFileException(
                        file,
                        "the progress of the run cannot be read (" + e.getMessage() + "). The file is damaged.",
                        e);
            }
            if (progress.step < 0 || progress.step > steps) {
                throw new BadFileException(
                        file, "the step is " + progress.step + " of " + steps + ". The file is damaged.");
            }
            optimizer.setSteps(progress.step);
            for (Map.Entry<String, Tensor> e : tensors.entrySet()) {
                if (in.tensors().containsKey(e.getKey())) {
                    in.load(e.getKey(), e.getValue());
                }
            }
        }
    }

    /**
     * The progress of a state of the first version, which told the step and not the settings: only a run that has ended is the same whatever they were.
     */
    private String finishedBefore(Map<String, String> found) throws IOException {
        String step = found.getOrDefault("step", "nothing");
        if (!step.equals(String.valueOf(steps)) || !step.equals(found.get("steps"))) {
            throw new BadFileException(
                    file,
                    "a run was to go on, and its state is of an older version, which does not tell the learning rate, the"
                            + " schedule and the data (step " + step + " of " + found.getOrDefault("steps", "nothing")
                            + "). Begin a new run.");
        }
        Progress ended = new Progress(List.of(), false);
        ended.step = steps;
        return ended.toJson();
    }

    private void requireSameRun(Map<String, String> found) {
        identity.forEach((name, value) -> {
            String there = found.getOrDefault(name, NOTHING);
            if (!there.equals(value)) {
                throw new BadInputException("a run was to go on with " + name.replace('_', ' ') + " " + value
                        + ", and its state in " + file + " has " + there
                        + ". Use the settings and data that it was started with, or begin a new run.");
            }
        });
    }

    private void requireSameTensors(Map<String, TensorInfo> found) throws BadFileException {
        Set<String> names = new TreeSet<>(found.keySet());
        Set<String> wanted = new TreeSet<>(tensors.keySet());
        if (names.stream().noneMatch(n -> n.startsWith(STEPS))) {
            wanted.removeIf(n -> n.startsWith(STEPS)); // older states count the steps of the run alone
        }
        if (!names.equals(wanted)) {
            throw new BadFileException(
                    file,
                    "the state of " + wanted.size() + " tensors of this adapter was expected, the file has "
                            + names.size() + ". It belongs to another adapter; use the same method and options.");
        }
        for (Map.Entry<String, Tensor> e : tensors.entrySet()) {
            TensorInfo info = found.get(e.getKey());
            Tensor t = e.getValue();
            if (info == null ? wanted.contains(e.getKey()) : info.rows() != t.rows() || info.cols() != t.cols()) {
                throw new BadFileException(
                        file, "tensor " + e.getKey() + " was expected as " + t + ". Use the same model and options.");
            }
        }
    }
}
