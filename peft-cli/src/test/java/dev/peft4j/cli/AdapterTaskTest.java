package dev.peft4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.site.TaskType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which task a command opens a model for: that of the adapter, if none was asked for. */
class AdapterTaskTest {
    @TempDir
    Path dir;

    private final CommandFixture cli = new CommandFixture();
    private Path bert = Path.of("");

    @BeforeEach
    void write() throws IOException {
        bert = TinyBert.write(dir.resolve("bert"));
        Files.write(
                dir.resolve("token-cls.jsonl"),
                List.of(
                        "{\"tokens\":[\"the\",\"good\",\"film\"],\"tags\":[\"O\",\"B-X\",\"I-X\"]}",
                        "{\"tokens\":[\"a\",\"bad\",\"book\"],\"tags\":[\"O\",\"B-X\",\"I-X\"]}"));
        Files.write(
                dir.resolve("question-ans.jsonl"),
                List.of("{\"question\":\"was the film\",\"context\":\"the film was good\",\"answers\":\"good\"}"));
        Files.write(
                dir.resolve("feature-extraction.jsonl"),
                List.of(
                        "{\"prompt\":\"good\",\"completion\":\"the film\"}",
                        "{\"prompt\":\"bad\",\"completion\":\"a book\"}"));
        Files.write(
                dir.resolve("seq-cls.jsonl"),
                List.of(
                        "{\"text\":\"good\",\"label\":0}",
                        "{\"text\":\"bad\",\"label\":1}",
                        "{\"text\":\"a\",\"label\":2}"));
    }

    private Path data(String task) {
        return dir.resolve(task + ".jsonl");
    }

    /** An adapter of one step. */
    private Path trained(String task) {
        Path out = dir.resolve(task);
        Path data = data(task);
        cli.works(
                "train",
                "--model",
                bert,
                "--task",
                task,
                "--data",
                data,
                "--eval-data",
                data,
                "--out",
                out,
                "--steps",
                1);
        return out;
    }

    @ParameterizedTest
    @CsvSource({
        "token-cls, BertForTokenClassification, accuracy of tags",
        "question-ans, BertForQuestionAnswering, exact match",
        "feature-extraction, BertModel, recall@1"
    })
    void without_a_task_that_of_the_adapter_is_taken(String task, String className, String score) throws IOException {
        Path adapter = trained(task);
        Path merged = dir.resolve("merged");
        cli.works("merge", "--model", bert, "--adapter", adapter, "--out", merged);
        assertEquals(
                List.of(className), Json.read(merged.resolve("config.json")).get("architectures"));
        String saved =
                String.valueOf(Json.read(adapter.resolve("adapter_config.json")).get("task_type"));
        Path lora = dir.resolve("lora");
        cli.works("convert", "--model", bert, "--adapter", adapter, "--out", lora);
        assertEquals(saved, Json.read(lora.resolve("adapter_config.json")).get("task_type"));
        Path sum = dir.resolve("sum");
        cli.works("combine", "--model", bert, "--adapter", adapter, "--weights", "1", "--out", sum);
        assertEquals(saved, Json.read(sum.resolve("adapter_config.json")).get("task_type"));
        String said = cli.works("eval", "--model", bert, "--adapter", adapter, "--data", data(task));
        assertTrue(said.contains("tuned") && said.contains(score), said);
        assertTrue(cli.works("inspect", adapter, "--model", bert).contains("trainable params"));
        Path on = dir.resolve("on");
        cli.works(
                "train",
                "--model",
                bert,
                "--on",
                adapter,
                "--data",
                data(task),
                "--eval-data",
                data(task),
                "--out",
                on,
                "--steps",
                1);
        assertTrue(AdapterFiles.isAdapter(on));
    }

    @Test
    void a_task_that_the_adapter_was_not_trained_for_is_refused_before_anything_is_written() {
        Path tags = trained("token-cls");
        Path out = dir.resolve("out");
        Object[] model = {"--model", bert, "--task", "seq-cls"};
        String both =
                tags + ": the adapter was trained for TOKEN_CLS (\"task_type\" in adapter_config.json), and the model "
                        + bert + " is to be used for SEQ_CLS";
        cli.fails(both, all(model, "merge", "--adapter", tags, "--out", out));
        cli.fails(both, all(model, "convert", "--adapter", tags, "--out", out));
        cli.fails(both, all(model, "convert", "--adapter", tags, "--out", out + ".gguf"));
        cli.fails(both, all(model, "combine", "--adapter", tags, "--weights", "1", "--out", out));
        cli.fails(both, all(model, "train", "--on", tags, "--data", data("seq-cls"), "--out", out));
        cli.fails(both, all(model, "eval", "--adapter", tags, "--data", data("seq-cls")));
        cli.fails(both, all(model, "generate", "--adapter", tags, "--prompt", "the"));
        assertFalse(Files.exists(out));
        Path vectors = trained("feature-extraction");
        cli.fails(
                tags + " was trained for TOKEN_CLS, " + vectors + " for FEATURE_EXTRACTION",
                "combine",
                "--model",
                bert,
                "--adapter",
                tags,
                "--adapter",
                vectors,
                "--weights",
                "1,1",
                "--out",
                out);
        assertFalse(Files.exists(out));
    }

    private static Object[] all(Object[] model, String command, Object... more) {
        Object[] all = new Object[1 + model.length + more.length];
        all[0] = command;
        System.arraycopy(model, 0, all, 1, model.length);
        System.arraycopy(more, 0, all, 1 + model.length, more.length);
        return all;
    }

    @Test
    void an_adapter_that_says_no_task_is_opened_as_the_checkpoint() throws IOException {
        Path adapter = trained("seq-cls");
        assertEquals(TaskType.SEQ_CLS, AdapterFiles.describe(adapter).task());
        Path config = adapter.resolve("adapter_config.json");
        Files.writeString(config, Files.readString(config).replace("\"SEQ_CLS\"", "null"));
        Path merged = dir.resolve("merged");
        cli.works("merge", "--model", bert, "--adapter", adapter, "--out", merged);
        assertEquals(
                List.of("BertForSequenceClassification"),
                Json.read(merged.resolve("config.json")).get("architectures"));
        cli.works("merge", "--model", bert, "--task", "seq-cls", "--adapter", adapter, "--out", dir.resolve("asked"));
    }

    @Test
    void an_adapter_for_vectors_fits_a_language_model_and_one_for_tags_does_not() throws IOException {
        Path model = DemoModel.unpack(dir.resolve("model"));
        Path data = Files.write(dir.resolve("text.jsonl"), List.of("{\"text\":\"the fox\"}", "{\"text\":\"the owl\"}"));
        Path adapter = dir.resolve("text");
        cli.works("train", "--model", model, "--data", data, "--eval-data", data, "--out", adapter, "--steps", 1);
        Path config = adapter.resolve("adapter_config.json");
        String written = Files.readString(config);
        for (String task : List.of("FEATURE_EXTRACTION", "SEQ_2_SEQ_LM")) {
            Files.writeString(config, written.replace("\"CAUSAL_LM\"", "\"" + task + "\""));
            assertNotNull(AdapterFiles.describe(adapter).task());
            cli.works("generate", "--model", model, "--adapter", adapter, "--prompt", "the", "--max-new-tokens", 2);
        }
        Files.writeString(config, written.replace("\"CAUSAL_LM\"", "\"TOKEN_CLS\""));
        cli.fails(
                "was trained for TOKEN_CLS",
                "merge",
                "--model",
                model,
                "--adapter",
                adapter,
                "--out",
                dir.resolve("no"));
        Files.writeString(config, written.replace("\"CAUSAL_LM\"", "\"MINE\""));
        cli.fails("MINE", "merge", "--model", model, "--adapter", adapter, "--out", dir.resolve("no"));
    }

    @ParameterizedTest
    @CsvSource({"chat", "dpo", "orpo", "kto"})
    void conversations_and_answers_need_a_language_model(String form) {
        Path none = dir.resolve("none.jsonl"); // nothing is read before
        Path out = dir.resolve("out");
        cli.fails(
                "takes a language model (CAUSAL_LM), and this bert model is for SEQ_CLS",
                "train",
                "--model",
                bert,
                "--form",
                form,
                "--data",
                none,
                "--out",
                out);
        cli.fails(
                "and this bert model is for TOKEN_CLS",
                "train",
                "--model",
                bert,
                "--task",
                "token-cls",
                "--form",
                form,
                "--data",
                none,
                "--out",
                out);
        assertFalse(Files.exists(out));
    }
}
