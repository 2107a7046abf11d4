package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.Dataset;
import dev.peft4j.FineTuned;
import dev.peft4j.TextModel;
import dev.peft4j.Training;
import dev.peft4j.lora.LoraConfig;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** In an application of a single jar, the class loader that a thread of a common pool brings knows nothing of the application: nor of this library. */
class ThreadWithoutClassPathTest {
    @TempDir
    Path dir;

    /** A process in which nothing has been loaded yet, since what is found first is kept. */
    static final class Application {
        private Application() {}

        public static void main(String[] args) throws IOException {
            Thread.currentThread().setContextClassLoader(ClassLoader.getPlatformClassLoader());
            Dataset data = Dataset.of(TinyModels.sentences(20));
            try (TextModel model = TextModel.open(Path.of(args[0]));
                    FineTuned tuned = model.fineTune(
                            LoraConfig.of(4, 8), data, Training.steps(2).batchSize(4))) {
                tuned.save(Path.of(args[1]));
                System.out.println(tuned.report());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"host", "nd4j"})
    void trains_and_saves(String backend) throws IOException, InterruptedException {
        Path adapter = dir.resolve("adapter");
        Process process = new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx512m",
                        "-Dpeft4j.backend=" + backend,
                        "-cp",
                        System.getProperty("java.class.path"),
                        Application.class.getName(),
                        TinyModels.llama(dir.resolve("base")).toString(),
                        adapter.toString()))
                .redirectErrorStream(true)
                .start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        assertTrue(
                output.contains("2 steps")
                        && adapter.resolve("adapter_model.safetensors").toFile().isFile(),
                output);
    }
}
