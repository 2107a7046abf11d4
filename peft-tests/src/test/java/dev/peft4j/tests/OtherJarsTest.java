package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command line serves a family and a method of other jars by what is on its class path: the parallel decoder and the toy method of these tests. */
class OtherJarsTest {
    @TempDir
    Path dir;

    private Path model = Path.of("");
    private Path data = Path.of("");

    /** What a command did. */
    private record Run(int status, String output) {}

    @BeforeEach
    void a_model_with_a_tokenizer() throws IOException {
        model = Files.createDirectories(dir.resolve("model"));
        for (String file : List.of("config.json", "model.safetensors")) {
            Files.copy(ParallelFamilyTest.MODEL.resolve(file), model.resolve(file));
        }
        Path words = Shared.root().resolve("peft-cli/src/main/resources/demo"); // as many as the model has
        for (String file : List.of("tokenizer.json", "tokenizer_config.json")) {
            Files.copy(words.resolve(file), model.resolve(file));
        }
        data = dir.resolve("data.jsonl");
        String record = "{\"text\": \"Once upon a time there was a little cat.\"}\n";
        Files.writeString(data, record.repeat(30));
    }

    private static Run run(Object... words) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "-cp",
                System.getProperty("java.class.path"),
                "dev.peft4j.cli.Peft4j"));
        for (Object word : words) {
            command.add(word.toString());
        }
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Run(process.waitFor(), output);
    }

    private static String works(Object... words) throws IOException, InterruptedException {
        Run run = run(words);
        assertEquals(0, run.status, run.output);
        return run.output;
    }

    private static void fails(String reason, Object... words) throws IOException, InterruptedException {
        Run run = run(words);
        assertTrue(run.status != 0 && run.output.contains(reason), run.output);
    }

    @Test
    void a_method_of_another_jar_trains_a_family_of_another_jar() throws IOException, InterruptedException {
        Path toy = dir.resolve("toy");
        works("train", "--model", model, "--data", data, "--method", "toy", "--toy-layers", "join", "--out", toy);
        assertTrue(Files.readString(toy.resolve("adapter_config.json")).contains("join"));
        works("eval", "--model", model, "--adapter", toy, "--data", data);
        works("generate", "--model", model, "--adapter", toy, "--prompt", "Once", "--max-new-tokens", 4);
    }

    @Test
    void methods_of_the_library_serve_a_family_of_another_jar() throws IOException, InterruptedException {
        Path both = dir.resolve("both");
        works("train", "--model", model, "--data", data, "--method", "lora+toy", "--out", both);
        Path merged = dir.resolve("merged");
        works("merge", "--model", model, "--adapter", both.resolve("lora"), "--out", merged);
        String said = works("inspect", merged);
        assertTrue(said.contains("parallel_decoder (CAUSAL_LM)"), said);
    }

    @Test
    void options_of_a_method_of_another_jar_are_told_and_checked() throws IOException, InterruptedException {
        String help = works("train", "--help");
        assertTrue(help.contains("--toy-layers=NAME") && help.contains("(default: narrow); for toy"), help);
        Path out = dir.resolve("out");
        fails("no such setting", "train", "--model", model, "--data", data, "--out", out, "--toy-layers", "join");
        fails("Did you mean toy?", "train", "--model", model, "--data", data, "--out", out, "--method", "tuy");
        fails("no such setting", "train", "--model", model, "--data", data, "--out", out, "--method=toy", "--r=4");
        assertFalse(Files.exists(out), "something was trained");
    }
}
