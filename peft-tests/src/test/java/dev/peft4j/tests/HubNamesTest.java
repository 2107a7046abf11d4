package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.Dataset;
import dev.peft4j.FineTuned;
import dev.peft4j.TextClassifier;
import dev.peft4j.TextModel;
import dev.peft4j.Training;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.GenerationConfig;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The short API finds bases and adapters by names of a hub, with the cache that the environment names. */
class HubNamesTest {
    private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

    @TempDir
    Path dir;

    /** A process of its own, which has an environment of its own. */
    static final class Application {
        private Application() {}

        public static void main(String[] args) throws IOException {
            try (TextModel model = TextModel.open("hub:org/base")) {
                model.load("tuned", "hub:org/adapter@v1");
                System.out.println("says: " + model.with("tuned").generate("the owl", GenerationConfig.greedy(8)));
            }
            try (TextClassifier classifier = TextClassifier.open("hub:org/classifier")) {
                System.out.println("labels: " + classifier.labels().size());
            }
            try {
                TextModel.open("hub:org/other").close();
            } catch (IOException e) {
                System.out.println("other: " + e.getMessage());
            }
        }
    }

    private Path cached(String name, String revision) throws IOException {
        Path storage = dir.resolve("cache").resolve("models--org--" + name);
        Files.createDirectories(storage.resolve("refs"));
        Files.writeString(storage.resolve("refs").resolve(revision), COMMIT);
        return storage.resolve("snapshots").resolve(COMMIT);
    }

    @Test
    void bases_and_adapters_are_opened_by_their_names() throws IOException, InterruptedException {
        Path base = cached("base", "main");
        TinyModels.llama(base);
        TinyModels.bert(cached("classifier", "main"));
        String expected;
        try (TextModel model = TextModel.open(base.toString());
                FineTuned tuned = model.fineTune(
                        LoraConfig.of(4, 8),
                        Dataset.of(TinyModels.sentences(20)),
                        Training.steps(5).learningRate(1e-2).batchSize(4))) {
            tuned.save(cached("adapter", "v1"));
            expected = tuned.generate("the owl", GenerationConfig.greedy(8));
        }
        ProcessBuilder builder = new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx512m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Application.class.getName()))
                .redirectErrorStream(true);
        builder.environment().put("HF_HUB_CACHE", dir.resolve("cache").toString());
        builder.environment().put("HF_HUB_OFFLINE", "1");
        Process process = builder.start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        assertTrue(output.contains("says: " + expected), output);
        assertTrue(output.contains("labels: 3"), output);
        assertTrue(output.contains("other: hub:org/other was asked for from the cache alone"), output);
    }
}
