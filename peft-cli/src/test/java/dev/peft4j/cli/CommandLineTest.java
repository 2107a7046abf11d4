package dev.peft4j.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.format.Json;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** The commands as a user runs them, and what they say to wrong input. */
class CommandLineTest {
    @TempDir
    Path dir;

    private Path model;
    private Path data;
    private String out = "";
    private String err = "";

    @BeforeEach
    void prepare() throws IOException {
        model = DemoModel.unpack(dir.resolve("base"));
        data = dir.resolve("train.jsonl");
        StringBuilder lines = new StringBuilder();
        for (var r : new DemoText(5).reports(40)) {
            lines.append(Json.printLine(Map.of("prompt", r.prompt(), "completion", r.text())))
                    .append('\n');
        }
        Files.writeString(data, lines);
    }

    private int run(Object... args) {
        StringWriter o = new StringWriter();
        StringWriter e = new StringWriter();
        CommandLine command = Peft4j.commandLine().setOut(new PrintWriter(o)).setErr(new PrintWriter(e));
        String[] words = new String[args.length];
        for (int i = 0; i < args.length; i++) {
            words[i] = String.valueOf(args[i]);
        }
        int status = command.execute(words);
        out = o.toString();
        err = e.toString();
        return status;
    }

    private void fails(String expected, Object... args) {
        int status = run(args);
        assertTrue(status != 0, () -> "expected a failure, got: " + out);
        assertTrue(err.contains(expected), () -> "expected \"" + expected + "\" in: " + err);
        assertFalse(err.contains("defect of peft4j"), err);
    }

    @Test
    void train_eval_generate_merge_and_inspect_work_together() throws IOException {
        Path adapter = dir.resolve("adapter");
        assertEquals(
                0,
                run("train", "--model", model, "--data", data, "--steps", 4, "--eval-every", 2, "--out", adapter),
                () -> err);
        assertTrue(
                out.contains("trainable params: ") && out.contains("held-out records") && out.contains("perplexity"),
                out);
        for (String file : List.of("adapter_config.json", "adapter_model.safetensors", "report.html", "log.jsonl")) {
            assertTrue(Files.exists(adapter.resolve(file)), file);
        }
        fails("--overwrite", "train", "--model", model, "--data", data, "--steps", 1, "--out", adapter);
        assertEquals(
                0,
                run("train", "--model", model, "--data", data, "--steps", 1, "--out", adapter, "--overwrite"),
                () -> err);
        assertEquals(0, run("eval", "--model", model, "--adapter", adapter, "--data", data), () -> err);
        assertTrue(out.contains("base") && out.contains("tuned"), out);
        assertEquals(
                0,
                run("generate", "--model", model, "--adapter", adapter, "--prompt", "weather :", "--max-new-tokens", 3),
                () -> err);
        assertEquals(
                0, run("merge", "--model", model, "--adapter", adapter, "--out", dir.resolve("merged")), () -> err);
        assertEquals(0, run("inspect", dir.resolve("merged")), () -> err);
        assertTrue(out.contains("llama") && out.contains("q_proj"), out);
        assertEquals(0, run("inspect", adapter, "--model", model), () -> err);
        assertTrue(out.contains("LORA") && out.contains("trainable%"), out);
        fails("holds files", "merge", "--model", model, "--adapter", adapter, "--out", dir.resolve("merged"));
    }

    @Test
    void values_of_a_wrong_kind_and_missing_files_are_named() {
        fails("--lr abc was given, where a number was expected", "train", "--lr", "abc");
        fails("--steps 1.5 was given, where a whole number", "train", "--steps", "1.5");
        fails("--schedule steep was given, where one of [CONSTANT", "train", "--schedule", "steep");
        fails(
                "--steps 0 was given; it is at least 1",
                "train",
                "--model",
                model,
                "--data",
                data,
                "--out",
                dir,
                "--steps",
                0);
        fails("--limit -1 was given; it is at least 1", "eval", "--model", model, "--data", data, "--limit", -1);
        fails("should be specified only once", "train", "--lr", "1", "--lr", "2");
        fails("Did you mean lora?", "train", "--model", model, "--data", data, "--method", "lroa", "--out", dir);
        fails("a directory. Name the file", "eval", "--model", model, "--data", dir);
        fails(
                "/adapter_config.json: this file was expected",
                "merge",
                "--model",
                model,
                "--adapter",
                model,
                "--out",
                dir.resolve("new"));
    }

    @Test
    void methods_are_trained_together_and_on_each_other() throws IOException {
        Path both = dir.resolve("both");
        Object[] together = {
            "train", "--model", model, "--data", data, "--method", "lora+houlsby", "--steps", 2, "--out", both
        };
        assertEquals(0, run(together), () -> err);
        assertTrue(Files.exists(both.resolve("lora/adapter_model.safetensors"))
                && Files.exists(both.resolve("houlsby/adapter.safetensors"))
                && Files.exists(both.resolve("report.html")));
        fails("--overwrite", together);
        byte[] below = Files.readAllBytes(both.resolve("lora/adapter_model.safetensors"));
        Path above = dir.resolve("above");
        assertEquals(
                0,
                run(
                        "train",
                        "--model",
                        model,
                        "--data",
                        data,
                        "--on",
                        both.resolve("lora"),
                        "--on",
                        both.resolve("houlsby"),
                        "--method",
                        "prefix",
                        "--steps",
                        2,
                        "--out",
                        above),
                () -> err);
        assertArrayEquals(below, Files.readAllBytes(both.resolve("lora/adapter_model.safetensors")));
        assertEquals(
                0,
                run("eval", "--model", model, "--adapter", both.resolve("lora"), "--adapter", above, "--data", data),
                () -> err);
        assertTrue(out.contains("tuned"), out);
        assertEquals(0, run("inspect", both.resolve("houlsby"), "--model", model), () -> err);
        assertTrue(out.contains("swish") && out.contains("trainable%"), out);
        fails("twice", "train", "--model", model, "--data", data, "--method", "lora+lora", "--out", both);
        fails("alone", "train", "--model", model, "--data", data, "--method", "lora+full", "--out", both);
        fails("--on", "train", "--model", model, "--data", data, "--method", "full", "--on", above, "--out", both);
    }

    @Test
    void full_fine_tuning_writes_a_model() throws IOException {
        Path tuned = dir.resolve("tuned");
        assertEquals(
                0,
                run("train", "--model", model, "--data", data, "--method", "full", "--steps", 2, "--out", tuned),
                () -> err);
        assertEquals(0, run("inspect", tuned), () -> err);
        assertTrue(Files.exists(dir.resolve("tuned-report/report.html")));
    }

    @Test
    void sampling_depends_on_its_seed_alone() {
        Object[] args = {
            "generate",
            "--model",
            model,
            "--prompt",
            "The",
            "--temperature",
            1.5,
            "--top-k",
            50,
            "--top-p",
            0.95,
            "--seed",
            3
        };
        run(args);
        String first = out;
        run(args);
        assertEquals(first, out);
        args[args.length - 1] = 4;
        run(args);
        assertFalse(first.equals(out));
    }

    @Test
    void help_has_examples_for_every_command() {
        assertEquals(0, run("--help"));
        for (String c :
                List.of("demo", "train", "eval", "generate", "merge", "inspect", "bench", "growth", "pretrain-demo")) {
            assertTrue(out.contains(c), c);
        }
        for (String c :
                List.of("demo", "train", "eval", "generate", "merge", "inspect", "bench", "growth", "pretrain-demo")) {
            assertEquals(0, run(c, "--help"));
            assertTrue(out.contains("Example") && out.contains("peft4j " + c), out);
        }
    }

    @Test
    void wrong_options_say_what_is_right() {
        fails("demo", "trian");
        fails("Missing required option", "train", "--data", data);
        fails("--lr", "train", "--model", model, "--data", data, "--lrr", "1e-3");
        fails("there are lora, rslora", "train", "--model", model, "--data", data, "--method", "lorra");
        fails("r = 0 was given", "train", "--model", model, "--data", data, "--r", 0);
        fails(
                "Did you mean q_proj?",
                "train",
                "--model",
                model,
                "--data",
                data,
                "--target-modules",
                "q_prj",
                "--out",
                dir.resolve("x"));
        fails("batch size 0", "train", "--model", model, "--data", data, "--batch-size", 0);
        fails("temperature -1.0", "generate", "--model", model, "--prompt", "a", "--temperature", -1);
        fails("gpt2_lora_4x128", "bench", "nothing", "--checkpoints", dir);
    }

    @Test
    void wrong_data_is_named_with_its_line() throws IOException {
        Path bad = dir.resolve("bad.jsonl");
        Files.writeString(bad, "{\"text\":\"a\"}\n{\"text\":");
        fails("line 2 is not JSON", "train", "--model", model, "--data", bad, "--out", dir.resolve("x"));
        Files.writeString(bad, "{\"text\":\"a\"}\n\n{\"txt\":\"b\"}\n");
        fails(
                "line 3 has not what records for CAUSAL_LM have",
                "train",
                "--model",
                model,
                "--data",
                bad,
                "--out",
                dir.resolve("x"));
        Files.writeString(bad, "");
        fails("the file has none", "train", "--model", model, "--data", bad, "--out", dir.resolve("x"));
        fails("there is none", "train", "--model", model, "--data", dir.resolve("no.jsonl"), "--out", dir.resolve("x"));
        Path csv = dir.resolve("t.csv");
        Files.writeString(csv, "question,answer\na,b\nc\n");
        fails(
                "Did you mean question?",
                "train",
                "--model",
                model,
                "--data",
                csv,
                "--prompt-column",
                "qestion",
                "--text-column",
                "answer",
                "--out",
                dir.resolve("x"));
        fails(
                "has 1 fields, the header 2",
                "train",
                "--model",
                model,
                "--data",
                csv,
                "--prompt-column",
                "question",
                "--text-column",
                "answer",
                "--out",
                dir.resolve("x"));
        Files.write(dir.resolve("l.jsonl"), new byte[] {'{', (byte) 0xff, '}'});
        fails("not UTF-8", "train", "--model", model, "--data", dir.resolve("l.jsonl"), "--out", dir.resolve("x"));
        assertFalse(Files.exists(dir.resolve("x/adapter_config.json")));
    }

    @Test
    void packed_data_that_unpacks_to_far_more_than_its_size_is_refused() throws IOException {
        Path bomb = dir.resolve("bomb.jsonl.gz");
        byte[] line = (Json.printLine(Map.of("text", "a".repeat(1 << 20))) + "\n").getBytes(StandardCharsets.UTF_8);
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(bomb))) {
            for (int i = 0; i < 80; i++) {
                out.write(line);
            }
        }
        fails("times its size", "train", "--model", model, "--data", bomb, "--out", dir.resolve("x"));
        Files.write(bomb, new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
        fails("is damaged", "train", "--model", model, "--data", bomb, "--out", dir.resolve("x"));
    }

    @Test
    void records_longer_than_the_context_are_counted() throws IOException {
        Path longer = dir.resolve("long.jsonl");
        String text = "The fox ".repeat(200);
        Files.writeString(
                longer,
                Json.printLine(Map.of("text", text)) + "\n" + Json.printLine(Map.of("text", "The fox")) + "\n"
                        + Json.printLine(Map.of("prompt", text, "completion", "The owl")) + "\n");
        assertEquals(0, run("eval", "--model", model, "--data", longer), () -> err);
        assertTrue(out.contains("2 were longer than 128 tokens and were cut; 1 had nothing left"), out);
    }

    @Test
    void an_output_directory_with_other_files_is_left_alone() throws IOException {
        Path taken = Files.createDirectories(dir.resolve("taken"));
        Files.writeString(taken.resolve("thesis.tex"), "x");
        fails("thesis.tex", "train", "--model", model, "--data", data, "--out", taken);
        assertEquals("x", Files.readString(taken.resolve("thesis.tex")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"missing tensor", "wrong shape", "unknown family", "truncated", "tokenizer", "no config", "bin"})
    void damaged_models_are_refused_before_anything_is_written(String damage) throws IOException {
        String expected = damage(damage);
        fails(expected, "train", "--model", model, "--data", data, "--out", dir.resolve("x"));
        assertFalse(Files.exists(dir.resolve("x")));
    }

    private String damage(String kind) throws IOException {
        Path config = model.resolve("config.json");
        Map<String, Object> fields = new LinkedHashMap<>(Json.read(config));
        switch (kind) {
            case "missing tensor" -> fields.put("num_hidden_layers", 4);
            case "wrong shape" -> fields.put("intermediate_size", 255);
            case "unknown family" -> fields.put("model_type", "mamba");
            case "truncated" -> {
                byte[] all = Files.readAllBytes(model.resolve("model.safetensors"));
                Files.write(model.resolve("model.safetensors"), Arrays.copyOf(all, all.length - 100));
                return "The file is damaged";
            }
            case "tokenizer" -> {
                Path file = model.resolve("tokenizer.json");
                Files.writeString(file, Files.readString(file).replace("\"</s>\" : 2", "\"</s>\" : 2000"));
                return "the tokenizer makes ids up to 2000";
            }
            case "no config" -> {
                Files.delete(config);
                return "config.json";
            }
            default -> {
                Files.move(
                        model.resolve("model.safetensors"),
                        model.resolve("pytorch_model.bin"),
                        StandardCopyOption.ATOMIC_MOVE);
                return "pickle";
            }
        }
        Files.writeString(config, Json.print(fields));
        return kind.equals("unknown family")
                ? "there are bert, deberta-v2, distilbert, efficientnet, electra, gemma2"
                : "config.json";
    }

    @Test
    void a_learning_rate_that_is_far_too_high_ends_with_a_clear_error() {
        fails(
                "a finite value was expected",
                "train",
                "--model",
                model,
                "--data",
                data,
                "--steps",
                60,
                "--lr",
                "1e18",
                "--max-grad-norm",
                0,
                "--warmup",
                0,
                "--out",
                dir.resolve("x"));
    }
}
