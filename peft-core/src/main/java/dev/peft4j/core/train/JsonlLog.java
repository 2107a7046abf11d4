package dev.peft4j.core.train;

import dev.peft4j.core.io.Json;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Writes one JSON object per step and evaluation to a file. The caller closes it. */
public final class JsonlLog implements TrainingListener, AutoCloseable {
    private final BufferedWriter out;

    /** Starts a new file. */
    public JsonlLog(Path file) throws IOException {
        Path parent = file.toAbsolutePath().getParent();
        if (parent != null) {
            Files.createDirectories(parent);
        }
        out = Files.newBufferedWriter(file);
    }

    private void write(Map<String, Object> fields) {
        try {
            out.write(Json.printLine(fields));
            out.newLine();
            out.flush();
        } catch (IOException e) {
            throw new UncheckedIOException("the log could not be written: " + e.getMessage(), e);
        }
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
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("step", step);
        fields.put("model", step == 0 ? "base" : "tuned");
        fields.put("eval_loss", evaluation.loss());
        fields.put("eval_count", evaluation.count());
        switch (evaluation.measure()) {
            case PERPLEXITY -> fields.put("eval_perplexity", evaluation.perplexity());
            case ACCURACY -> fields.put("eval_accuracy", evaluation.accuracy());
            case ROOT_MEAN_SQUARED_ERROR -> fields.put("eval_rmse", evaluation.measured());
        }
        write(fields);
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
