package dev.peft4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** What the command line says where natives, room on the disk or memory are missing: one line, and status 1. */
class UnusableMachineTest {
    @TempDir
    Path dir;

    private Path model;
    private Path data;

    @BeforeEach
    void prepare() throws Exception {
        model = DemoModel.unpack(dir.resolve("base"));
        data = Files.writeString(dir.resolve("train.jsonl"), "{\"text\": \"weather : rain\"}\n".repeat(12));
    }

    /** Runs {@code peft4j eval} in a process of its own, without the jars of a pattern; returns the one line that it says. */
    private String eval(String without, String... options) throws Exception {
        Pattern left = Pattern.compile(without);
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        if (Runtime.version().feature() >= 24) {
            command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"));
        }
        command.addAll(List.of(options));
        command.add("-cp");
        command.add(Stream.of(System.getProperty("java.class.path").split(File.pathSeparator, -1))
                .filter(entry -> without.isEmpty() || !left.matcher(entry).find())
                .collect(Collectors.joining(File.pathSeparator)));
        command.addAll(List.of(Peft4j.class.getName(), "eval", "--model", model.toString(), "--data", data.toString()));
        Process process = new ProcessBuilder(command)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        List<String> said;
        try (var err = process.errorReader(StandardCharsets.UTF_8)) {
            said = err.lines()
                    .filter(line -> !line.startsWith("WARNING: java.io.tmpdir")) // Java's own, from 25 on
                    .toList();
        }
        assertEquals(1, process.waitFor(), said::toString);
        assertEquals(1, said.size(), said::toString);
        assertTrue(said.get(0).startsWith("error: "), said.get(0));
        return said.get(0);
    }

    @Test
    void a_missing_backend_is_one_line() throws Exception {
        String said = eval("nd4j-native-1");
        assertTrue(said.contains("ND4J backend") && said.contains("peft4j-cpu"), said);
    }

    @Test
    void missing_natives_are_one_line() throws Exception {
        String said = eval("openblas-.*-[a-z]+-[a-z0-9_]+\\.jar");
        assertTrue(said.contains("natives of org.bytedeco:openblas") && said.contains("classifier"), said);
    }

    @Test
    void a_wrong_number_of_threads_is_one_line() throws Exception {
        String said = eval("", "-Dpeft4j.threads=-5");
        assertTrue(said.contains("-Dpeft4j.threads=-5") && said.contains("1 to 1024"), said);
    }

    @Test
    void natives_that_cannot_be_unpacked_are_one_line() throws Exception {
        String said = eval(
                "",
                "-Dorg.bytedeco.javacpp.cachedir=" + data + "/below",
                "-Duser.home=" + data,
                "-Djava.io.tmpdir=" + data);
        assertTrue(said.contains("-Dorg.bytedeco.javacpp.cachedir=DIR"), said);
    }

    @Test
    void a_tokenizer_that_cannot_be_unpacked_is_not_called_a_bad_file() throws Exception {
        String said = eval("", "-DDJL_CACHE_DIR=" + data);
        assertTrue(said.contains("natives of ai.djl.huggingface:tokenizers") && said.contains("20 MB"), said);
    }

    @Test
    void memory_that_runs_out_is_one_line() {
        for (String cause : List.of("Java heap space", "no native memory left for 4096 bytes")) {
            StringWriter err = new StringWriter();
            CommandLine command =
                    Peft4j.commandLine().addSubcommand("fill", new Fill(cause)).setErr(new PrintWriter(err));
            assertEquals(1, command.execute("fill"));
            String said = err.toString();
            assertEquals(1, said.lines().count(), said);
            assertTrue(
                    said.contains("error: memory ran out (" + cause) && said.contains(" MiB") && said.contains("-Xmx"));
        }
    }

    @Command(name = "fill")
    private record Fill(String cause) implements Callable<Integer> {
        @Override
        public Integer call() {
            throw new OutOfMemoryError(cause);
        }
    }
}
