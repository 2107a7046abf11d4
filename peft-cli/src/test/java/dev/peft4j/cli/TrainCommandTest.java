package dev.peft4j.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.RunLock;
import dev.peft4j.core.format.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Runs of the command line: what they take, what they refuse before anything is lost, and how they go on. */
class TrainCommandTest {
    @TempDir
    Path dir;

    private Path model;
    private Path data;
    private Path out;
    private final CommandFixture cli = new CommandFixture();

    @BeforeEach
    void prepare() throws IOException {
        model = DemoModel.unpack(dir.resolve("base"));
        out = dir.resolve("out");
        data = dir.resolve("train.jsonl");
        List<String> lines = new ArrayList<>();
        for (var r : new DemoText(5).reports(40)) {
            lines.add(Json.printLine(Map.of("prompt", r.prompt(), "completion", r.text())));
        }
        Files.write(data, lines);
    }

    /** Words of a training command with defaults, and more. */
    private Object[] train(Object... more) {
        List<Object> all = new ArrayList<>(List.of("train", "--model", model, "--data", data));
        all.addAll(Arrays.asList(more));
        if (!all.contains("--out")) {
            all.addAll(List.of("--out", out));
        }
        return all.toArray();
    }

    private Object[] classify(Path bert, Path table, Object... more) {
        List<Object> all = new ArrayList<>(List.of("train", "--model", bert, "--data", table, "--out", out));
        all.addAll(Arrays.asList(more));
        return all.toArray();
    }

    @Test
    void words_are_not_compared_with_a_head_whose_outputs_have_no_names() throws IOException {
        Path bert = TinyBert.write(dir.resolve("bert")); // with a head of three classes
        Path words = TinyBert.table(dir.resolve("words.csv"), 9, "good", "bad", "fine");
        cli.fails("tells which of the 3 outputs it is", "eval", "--model", bert, "--data", words);
        Path same = TinyBert.table(dir.resolve("same.csv"), 3, "good");
        cli.fails("tells which of the 3 outputs it is", "eval", "--model", bert, "--data", same);
        Path numbers = TinyBert.table(dir.resolve("numbers.csv"), 9, "0", "1", "2");
        assertTrue(cli.works("eval", "--model", bert, "--data", numbers).contains("accuracy"));
    }

    @Test
    void classes_are_those_of_the_records_and_are_kept_with_the_adapter() throws IOException {
        Path bert = TinyBert.write(dir.resolve("bert"));
        Path table = TinyBert.table(dir.resolve("a.csv"), 60, "good", "bad", "fine", "poor");
        String printed = cli.works(classify(bert, table, "--classes", 4, "--steps", 3));
        assertTrue(printed.contains("4 classes: bad 14 (25.9 %), fine 13"), printed);
        assertTrue(printed.contains("the checkpoint has no classifier"), printed);
        assertTrue(printed.contains("untrained") && !printed.contains(" base "), printed);
        assertEquals(4, AdapterFiles.describe(out).outputs("classifier"));
        String evaluated = cli.works("eval", "--model", bert, "--adapter", out, "--data", table);
        assertTrue(evaluated.contains("random") && evaluated.contains("tuned"), evaluated);
        cli.fails(
                "has a head of 4 classes", "eval", "--model", bert, "--adapter", out, "--data", table, "--classes", 3);
        Path merged = dir.resolve("merged");
        Files.createDirectories(merged);
        Files.writeString(merged.resolve(".model.safetensors.tmp"), "of a merge that was killed");
        cli.works("merge", "--model", bert, "--adapter", out, "--out", merged);
        assertEquals(
                Map.of("0", "bad", "1", "fine", "2", "good", "3", "poor"),
                Json.read(merged.resolve("config.json")).get("id2label"));
        Matcher tuned = Pattern.compile("tuned +(loss +\\S+)").matcher(evaluated);
        assertTrue(tuned.find());
        String again = cli.works("eval", "--model", merged, "--data", table);
        assertTrue(again.contains(tuned.group(1)), again);
        Path other = TinyBert.table(dir.resolve("b.csv"), 8, "good", "awful");
        cli.fails(
                "b.csv, line 3: the label awful was found; the classes are [bad, fine, good, poor]",
                "eval",
                "--model",
                bert,
                "--adapter",
                out,
                "--data",
                other);
    }

    @Test
    void labels_are_checked_before_the_first_step() throws IOException {
        Path bert = TinyBert.write(dir.resolve("bert")); // with a head of three classes
        cli.works(classify(bert, TinyBert.table(dir.resolve("a.csv"), 30, "0.0", "1.0", "2"), "--steps", 1));
        Files.deleteIfExists(out.resolve("trainer_state.safetensors"));
        Path wrong = TinyBert.table(dir.resolve("b.csv"), 30, "0", "1", "2", "7");
        cli.fails("b.csv, line 5: the label 7", classify(bert, wrong, "--overwrite", "--classes", 4));
        cli.fails(
                "have 4: []",
                classify(bert, TinyBert.table(dir.resolve("c.csv"), 30, "0", "1", "2", "3"), "--overwrite"));
        Path one = TinyBert.table(dir.resolve("d.csv"), 30, "1");
        cli.fails("all 30 records have the label 1", classify(bert, one, "--eval-data", one, "--overwrite"));
        Path held = TinyBert.table(dir.resolve("e.csv"), 9, "0", "1", "5");
        Path good = TinyBert.table(dir.resolve("f.csv"), 30, "0", "1", "2");
        cli.fails("e.csv, line 4: the label 5", classify(bert, good, "--eval-data", held, "--overwrite"));
        String[] mostly = new String[30];
        Arrays.fill(mostly, "0");
        mostly[29] = "1";
        Path extreme = TinyBert.table(dir.resolve("g.csv"), 30, mostly);
        assertTrue(cli.works(classify(bert, extreme, "--eval-data", good, "--steps", 1, "--overwrite"))
                .contains("WARNING: 96.7 %"));
    }

    @Test
    void one_class_asked_for_is_a_number_to_predict() throws IOException {
        Path bert = TinyBert.write(dir.resolve("bert"));
        Path numbers = TinyBert.table(dir.resolve("a.csv"), 40, "0.5", "-1.5", "2");
        String printed = cli.works(classify(bert, numbers, "--classes", 1, "--steps", 2));
        assertTrue(printed.contains("root mean squared error"), printed);
        cli.fails("lies between classes", classify(bert, numbers, "--overwrite"));
    }

    /** Each was dropped without a word, or is a kind of such. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--classes 3",
                "--form chat --text-column x",
                "--form kto --shuffle 1",
                "--method loha --lora-dropout 0.1",
                "--method houlsby --target-modules q_proj",
                "--method ia3 --r 4",
                "--method prompt --projection 5",
                "--method lora --virtual-tokens 5",
                "--method vera --lora-alpha 4",
                "--method full --r 4",
                "--steps 2 --epochs 3",
                "--label-column label",
                "--separator ;",
                "--columns a,b"
            })
    void an_option_that_would_have_no_effect_is_refused(String options) {
        String[] words = options.split(" ");
        cli.fails(words[words.length - 2], train((Object[]) words));
        assertFalse(Files.exists(out));
    }

    @ParameterizedTest
    @CsvSource({
        "lora+bitfit,none of the 29 tensors of this llama model is a bias",
        "houlsby --reduction-factor 1000,leaves no unit",
        "prompt --virtual-tokens 128,the context of this llama model has 128 tokens",
        "prompt --prompt-init zero,'there are random, vocabulary and text:'",
        "prefix --projection -1,encoder_hidden_size",
        "lora --r many,where a whole number of at most 2147483647 was expected",
        "lora --lora-alpha NaN,where a number was expected",
        "'lora --trainable-tokens 3,x',where whole numbers",
        "prefix --prompt-init text:once,Give a longer text",
        "lora --r 97,at most the rank 96",
        "ia3 --target-modules q_prj,Did you mean q_proj?"
    })
    void methods_that_do_not_fit_are_refused_before_one_of_them_is_trained(String methods, String reason) {
        String[] words = methods.split(" ");
        Path out = dir.resolve("comparison");
        List<Object> command = new ArrayList<>(List.of("compare", "--methods", "vera," + words[0], "--model", model));
        command.addAll(List.of("--data", data, "--eval-data", data, "--out", out));
        command.addAll(Arrays.asList(words).subList(1, words.length));
        cli.fails(reason, command.toArray());
        assertFalse(Files.exists(out.resolve("vera")), "something was trained");
    }

    @Test
    void other_commands_refuse_such_options_too() {
        cli.works(train("--steps", 1));
        cli.fails("--top-k", "generate", "--model", model, "--prompt", "a", "--top-k", 5);
        cli.fails("--seed", "generate", "--model", model, "--prompt", "a", "--seed", 5);
        cli.fails(
                "--method",
                "compare",
                "--methods",
                "lora",
                "--method",
                "ia3",
                "--model",
                model,
                "--data",
                data,
                "--eval-data",
                data,
                "--out",
                dir.resolve("c"));
        cli.fails(
                "--projection",
                "compare",
                "--methods",
                "lora,ia3",
                "--projection",
                3,
                "--model",
                model,
                "--data",
                data,
                "--eval-data",
                data,
                "--out",
                dir.resolve("c"));
        cli.fails(
                "--density",
                "combine",
                "--model",
                model,
                "--adapter",
                out,
                "--weights",
                1,
                "--density",
                0.3,
                "--out",
                dir.resolve("c"));
        cli.fails(
                "--energy",
                "convert",
                "--model",
                model,
                "--adapter",
                out,
                "--rank",
                2,
                "--energy",
                0.3,
                "--out",
                dir.resolve("c"));
        cli.fails("--model", "inspect", model, "--model", model);
    }

    @Test
    void numbers_that_nothing_can_count_are_refused() {
        cli.fails("epochs Infinity", train("--epochs", "Infinity"));
        cli.fails("epochs 1.0E12", train("--epochs", "1e12"));
        cli.fails("batch size 65536, accumulation 65536", train("--batch-size", 65536, "--accumulate", 65536));
        cli.fails("--limit -1 was given; it is at least 1", train("--limit", -1));
        cli.fails("--threads -5", train("--threads", -5));
        cli.fails("at most the rank 96", train("--r", 4096));
        assertFalse(Files.exists(out));
    }

    @Test
    void a_word_that_is_nearly_right_is_suggested() {
        cli.fails("Did you mean train?", "trian");
        cli.fails("Did you mean --lr?", train("--lrr", "1e-3"));
        cli.fails("Did you mean --target-modules?", train("--target-module", "q_proj"));
        cli.fails("It has: ", train("--target-modules", "query_key_value"));
        cli.fails("takes no words", train("more"));
    }

    @Test
    void what_is_there_is_only_replaced_when_asked_for() throws IOException {
        cli.works(train("--steps", 2));
        byte[] before = Files.readAllBytes(out.resolve("adapter_model.safetensors"));
        cli.fails("give --overwrite", train("--steps", 1));
        cli.fails("give --overwrite", "convert", "--model", model, "--adapter", out, "--out", mkAdapter("b"));
        assertArrayEquals(before, Files.readAllBytes(out.resolve("adapter_model.safetensors")));
        cli.works(train("--steps", 1, "--overwrite"));
        assertFalse(Arrays.equals(before, Files.readAllBytes(out.resolve("adapter_model.safetensors"))));
        Files.delete(out.resolve("adapter_config.json"));
        Files.delete(out.resolve("adapter_model.safetensors"));
        cli.fails("the state of another one", train("--steps", 1));
    }

    private Path mkAdapter(String name) {
        Path other = dir.resolve(name);
        cli.works(train("--steps", 1, "--out", other));
        return other;
    }

    @Test
    void nothing_is_written_over_what_is_read() throws IOException {
        cli.works(train("--steps", 1));
        byte[] before = Files.readAllBytes(out.resolve("adapter_model.safetensors"));
        String expected = "is to be read and to be written";
        cli.fails(expected, "convert", "--model", model, "--adapter", out, "--out", out, "--overwrite");
        cli.fails(expected, "combine", "--model", model, "--adapter", out, "--weights", 1, "--out", out, "--overwrite");
        cli.fails(expected, train("--on", out, "--overwrite"));
        Files.createSymbolicLink(dir.resolve("link"), out);
        cli.fails(expected, train("--on", dir.resolve("link"), "--overwrite"));
        Path log = Files.copy(data, dir.resolve("d.jsonl"));
        Path run = Files.createDirectories(dir.resolve("run"));
        Files.move(log, run.resolve("log.jsonl"));
        cli.fails(expected, "train", "--model", model, "--data", run.resolve("log.jsonl"), "--out", run, "--steps", 1);
        assertArrayEquals(Files.readAllBytes(data), Files.readAllBytes(run.resolve("log.jsonl")));
        assertArrayEquals(before, Files.readAllBytes(out.resolve("adapter_model.safetensors")));
    }

    @Test
    void a_directory_belongs_to_one_run_at_a_time() throws IOException {
        try (RunLock lock = RunLock.take(out)) {
            assertFalse(lock.wasLeft());
            cli.fails("another one is doing so now", train("--steps", 1));
        }
        cli.works(train("--steps", 1));
        assertFalse(Files.exists(out.resolve(".lock")));
    }

    @Test
    void a_run_goes_on_or_says_why_not() throws IOException {
        cli.fails("nothing to resume from", train("--steps", 4, "--resume"));
        assertFalse(Files.exists(out));
        cli.works(train("--steps", 4, "--eval-every", 2));
        List<String> log = Files.readAllLines(out.resolve("log.jsonl"));
        cli.fails("learning rate 0.5", train("--steps", 4, "--eval-every", 2, "--resume", "--lr", 0.5));
        cli.fails("hash of the adapters", train("--steps", 4, "--eval-every", 2, "--resume", "--lora-alpha", 64));
        assertEquals(log, Files.readAllLines(out.resolve("log.jsonl")));
        assertTrue(cli.works(train("--steps", 4, "--eval-every", 2, "--resume")).contains("goes on from step 4 of 4"));
        assertEquals(log, Files.readAllLines(out.resolve("log.jsonl")));
        Path killed = Files.createDirectories(dir.resolve("killed"));
        Files.createFile(killed.resolve(".lock")); // of a process that was killed while it read the model
        assertTrue(cli.works(train("--steps", 1, "--resume", "--out", killed)).contains("it begins again"));
    }

    @Test
    void leftovers_of_writes_that_were_killed_are_no_other_files() throws IOException {
        cli.works(train("--steps", 2));
        for (String name : List.of(
                ".trainer_state.safetensors.tmp",
                ".trainer_state.safetensors8123.tmp",
                ".adapter_model.safetensors.tmp",
                ".adapter_config.json.tmp",
                ".report.html.tmp",
                ".log.jsonl.tmp")) {
            Files.writeString(out.resolve(name), "half");
        }
        cli.works(train("--steps", 2, "--resume"));
        Files.writeString(out.resolve(".thesis.tex.tmp"), "mine");
        cli.fails(".thesis.tex.tmp", train("--steps", 2, "--resume"));
    }

    @Test
    void all_weights_go_on_too() throws IOException {
        Object[] full = train("--method", "full", "--steps", 3, "--out", dir.resolve("tuned"));
        cli.works(full);
        byte[] tuned = Files.readAllBytes(dir.resolve("tuned/model.safetensors"));
        cli.fails("holds files", full);
        Files.move(dir.resolve("tuned"), dir.resolve("elsewhere"));
        cli.fails("the state of another one", full);
        List<Object> resume = new ArrayList<>(Arrays.asList(full));
        resume.add("--resume");
        cli.works(resume.toArray());
        assertArrayEquals(tuned, Files.readAllBytes(dir.resolve("tuned/model.safetensors")));
    }

    @Test
    void a_rate_that_is_far_too_high_keeps_the_best_adapter() throws IOException {
        cli.fails(
                "a finite value was expected",
                train("--steps", 40, "--eval-every", 1, "--warmup", 0.5, "--lr", "1e300", "--max-grad-norm", 0));
        if (Files.exists(out.resolve("adapter_config.json"))) {
            assertTrue(cli.out.contains("the adapter of its best evaluation is in"), cli.out);
            cli.works("eval", "--model", model, "--adapter", out, "--data", data);
        } else {
            assertTrue(cli.out.contains("no adapter was written"), cli.out);
        }
    }

    @Test
    void files_have_the_rights_that_others_of_the_user_have() throws IOException {
        cli.works(train("--steps", 1));
        var plain = Files.getPosixFilePermissions(Files.writeString(dir.resolve("plain"), "x"));
        for (String name : List.of("adapter_config.json", "adapter_model.safetensors", "report.html", "log.jsonl")) {
            assertEquals(plain, Files.getPosixFilePermissions(out.resolve(name)), name);
        }
    }
}
