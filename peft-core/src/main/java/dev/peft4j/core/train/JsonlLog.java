package dev.peft4j.core.train;

import dev.peft4j.core.data.Measure;
import dev.peft4j.core.format.AtomicFile;
import dev.peft4j.core.format.Json;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes one JSON object per step and evaluation to a file, and one of scores at the end. A new run begins a new file; one that goes on keeps the lines up to the
 * step that it goes on from. The file is left alone until there is something to write. The caller closes it.
 */
public final class JsonlLog implements TrainingListener, AutoCloseable {
    private static final String SCORES = "scores";
    private static final String LOSS = "eval_loss";

    private final Path file;
    private @Nullable BufferedWriter out;
    private boolean isNew; // whether the model has modules with random values
    private int evaluated = -1; // last step with an evaluation in the log

    /** A log in a file, whose directory is made if it is missing. */
    public JsonlLog(Path file) throws IOException {
        this.file = file;
        Path parent = file.toAbsolutePath().getParent();
        if (parent != null) {
            Files.createDirectories(parent);
        }
    }

    private void write(Map<String, Object> fields) {
        try {
            BufferedWriter writer = out;
            if (writer == null) {
                writer = Files.newBufferedWriter(file);
                out = writer;
            }
            writer.write(Json.printLine(fields));
            writer.newLine();
            writer.flush();
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private UncheckedIOException failed(IOException e) {
        return new UncheckedIOException(
                "the log " + file + " could not be written: " + e.getMessage() + ". Check the disk.", e);
    }

    @Override
    public void onNewModules(List<String> modules) {
        isNew = true;
    }

    @Override
    public void onResume(int step) {
        try {
            StringBuilder kept = new StringBuilder();
            for (Map<String, Object> line : lines(file)) {
                if (step(line) <= step && !line.containsKey(SCORES)) { // those are told again at the end
                    kept.append(Json.printLine(line)).append('\n');
                    evaluated = line.containsKey(LOSS) ? step(line) : evaluated;
                }
            }
            AtomicFile.write(file, kept.toString());
            out = Files.newBufferedWriter(file, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw failed(e);
        }
    }

    /** Tells a listener what a log has, up to a step: for a report of a run that goes on. */
    public static void replay(Path file, int step, TrainingListener listener) throws IOException {
        for (Map<String, Object> line : lines(file)) {
            if (step(line) > step || line.containsKey(SCORES)) {
                continue;
            }
            if (line.containsKey(LOSS)) {
                listener.onEvaluation(step(line), evaluation(line));
            } else {
                listener.onStep(
                        step(line),
                        number(line, "loss"),
                        number(line, "learning_rate"),
                        number(line, "grad_norm"),
                        (int) number(line, "tokens"),
                        number(line, "seconds"));
            }
        }
    }

    /** The objects of a log; a last line that a killed run did not finish is left out. */
    private static List<Map<String, Object>> lines(Path file) throws IOException {
        List<Map<String, Object>> all = new ArrayList<>();
        for (String line : Files.exists(file) ? Files.readAllLines(file) : List.<String>of()) {
            try {
                all.add(Json.parse(line));
            } catch (IOException e) {
                break;
            }
        }
        return all;
    }

    private static int step(Map<String, Object> line) {
        return (int) number(line, "step");
    }

    private static double number(Map<String, Object> line, String name) {
        return line.get(name) instanceof Number n ? n.doubleValue() : Double.NaN;
    }

    private static Evaluation evaluation(Map<String, Object> line) {
        Measure measure = Measure.PERPLEXITY;
        if (line.containsKey("eval_accuracy")) {
            measure = Measure.ACCURACY;
        } else if (line.containsKey("eval_rmse")) {
            measure = Measure.ROOT_MEAN_SQUARED_ERROR;
        }
        return new Evaluation(
                number(line, LOSS), (int) number(line, "eval_count"), measure, number(line, "eval_accuracy"));
    }

    @Override
    public void onStep(int step, double loss, double learningRate, double gradientNorm, int tokens, double seconds) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("step", step);
        fields.put("loss", loss);
        fields.put("learning_rate", learningRate);
        fields.put("grad_norm", gradientNorm);
        fields.put("tokens", tokens);
        fields.put("seconds", seconds);
        write(fields);
    }

    @Override
    public void onEvaluation(int step, Evaluation evaluation) {
        if (step <= evaluated) {
            return; // of a run that was killed behind this line, and before it had saved its state
        }
        evaluated = step;
        Map<String, Object> fields = new LinkedHashMap<>();
        String before = isNew ? "untrained" : "base";
        fields.put("step", step);
        fields.put("model", step == 0 ? before : "tuned");
        fields.put(LOSS, evaluation.loss());
        fields.put("eval_count", evaluation.count());
        switch (evaluation.measure()) {
            case PERPLEXITY -> fields.put("eval_perplexity", evaluation.perplexity());
            case ACCURACY -> fields.put("eval_accuracy", evaluation.accuracy());
            case ROOT_MEAN_SQUARED_ERROR -> fields.put("eval_rmse", evaluation.measured());
        }
        write(fields);
    }

    /**
     * Writes what else was measured of the held-out records when a run had ended.
     *
     * @param step that it had come to
     * @param scores JSON values by their names
     */
    public void writeScores(int step, Map<String, Object> scores) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("step", step);
        fields.put(SCORES, scores);
        write(fields);
    }

    @Override
    public void close() throws IOException {
        if (out != null) {
            out.close();
        }
    }
}
