package dev.peft4j.core.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.data.Measure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JsonlLogTest {
    @TempDir
    Path dir;

    @Test
    void scores_are_of_the_end_of_a_run_and_leave_the_log_of_one_that_goes_on() throws IOException {
        Path file = dir.resolve("log.jsonl");
        try (JsonlLog log = new JsonlLog(file)) {
            log.onStep(1, 2.5, 1e-3, 1, 10, 0.1);
            log.writeScores(1, Map.of("values", Map.of("F1", 0.5)));
        }
        List<String> lines = Files.readAllLines(file);
        assertEquals("{\"scores\":{\"values\":{\"F1\":0.5}},\"step\":1}", lines.get(1));
        List<Double> told = new ArrayList<>();
        JsonlLog.replay(file, 9, new TrainingListener() {
            @Override
            public void onStep(int step, double loss, double rate, double norm, int tokens, double seconds) {
                told.add(loss);
            }
        });
        assertEquals(List.of(2.5), told);
        try (JsonlLog log = new JsonlLog(file)) {
            log.onResume(1);
            log.onStep(2, 2.0, 1e-3, 1, 10, 0.1);
        }
        List<String> after = Files.readAllLines(file);
        assertEquals(lines.get(0), after.get(0));
        assertEquals(2, after.size());
        assertTrue(after.get(1).contains("\"step\":2"), after::toString);
    }

    @Test
    void an_evaluation_that_a_killed_run_has_told_before_it_saved_its_state_is_there_once() throws IOException {
        Path file = dir.resolve("log.jsonl");
        Evaluation first = new Evaluation(2.5, 10, Measure.ACCURACY, 0.25);
        Evaluation second = new Evaluation(1.5, 10, Measure.ACCURACY, 0.5);
        try (JsonlLog log = new JsonlLog(file)) {
            log.onEvaluation(0, first);
        }
        for (int i = 0; i < 2; i++) {
            try (JsonlLog log = new JsonlLog(file)) {
                log.onResume(0);
                log.onEvaluation(0, first);
                log.onStep(1, 2.0, 1e-3, 1, 10, 0.1);
                log.onEvaluation(1, second);
            }
        }
        List<String> told = new ArrayList<>();
        JsonlLog.replay(file, 9, new TrainingListener() {
            @Override
            public void onStep(int step, double loss, double rate, double norm, int tokens, double seconds) {
                told.add("step " + step);
            }

            @Override
            public void onEvaluation(int step, Evaluation evaluation) {
                told.add("evaluation " + step + " " + evaluation.loss());
            }
        });
        assertEquals(List.of("evaluation 0 2.5", "step 1", "evaluation 1 1.5"), told);
    }
}
