package dev.peft4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.format.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tasks, conversations, preferences, and files of llama.cpp, by the command line. */
class TaskCommandsTest {
    @TempDir
    Path dir;

    private final CommandFixture cli = new CommandFixture();

    private Path file(String name, String... lines) throws IOException {
        return Files.write(dir.resolve(name), List.of(lines));
    }

    @Test
    void tags_and_answers_are_trained_and_evaluated() throws IOException {
        Path bert = TinyBert.write(dir.resolve("bert"));
        Path tags = file(
                "tags.jsonl",
                "{\"tokens\":[\"the\",\"good\",\"film\"],\"tags\":[\"O\",\"B-X\",\"I-X\"]}",
                "{\"tokens\":[\"a\",\"bad\",\"book\"],\"tags\":[\"O\",\"B-X\",\"I-X\"]}");
        Path out = dir.resolve("tags");
        String said = cli.works(
                "train",
                "--model",
                bert,
                "--task",
                "token-cls",
                "--data",
                tags,
                "--eval-data",
                tags,
                "--out",
                out,
                "--steps",
                3);
        assertTrue(said.contains("accuracy"), said);
        said = cli.works("eval", "--model", bert, "--task", "token-cls", "--data", tags, "--adapter", out);
        assertTrue(said.contains("tuned") && said.contains("accuracy of tags"), said);
        Path classes = file("classes.csv", "text,label", "the good film,0", "a bad book,1", "a very poor film,2");
        said = cli.works("eval", "--model", bert, "--data", classes);
        assertTrue(
                said.contains("macro F1") && said.contains("expected in rows") && said.contains("worst first"), said);
        Path answers = file(
                "answers.jsonl",
                "{\"question\":\"was the film\",\"context\":\"the film was good\",\"answers\":\"good\"}",
                "{\"question\":\"was the book\",\"context\":\"the film was good\",\"answers\":\"\"}");
        cli.works(
                "train",
                "--model",
                bert,
                "--task",
                "question-ans",
                "--data",
                answers,
                "--eval-data",
                answers,
                "--out",
                dir.resolve("answers"),
                "--steps",
                2);
        said = cli.works("eval", "--model", bert, "--task", "question-ans", "--data", answers);
        assertTrue(said.contains("exact match with answer") && said.contains("predicted"), said);
        cli.fails(
                "there are causal-lm",
                "train",
                "--model",
                bert,
                "--task",
                "tags",
                "--data",
                tags,
                "--out",
                dir.resolve("no"));
        cli.fails(
                "CAUSAL_LM was asked for",
                "train",
                "--model",
                bert,
                "--task",
                "causal-lm",
                "--data",
                file("texts.jsonl", "{\"text\":\"the film\"}"),
                "--out",
                dir.resolve("no"));
    }

    @Test
    void pairs_are_ranked_and_prompts_are_continued_for_scores() throws IOException {
        Path bert = TinyBert.write(dir.resolve("bert"));
        Path pairs = file("pairs.csv", "prompt,text", "good,the film", "bad,a book", "fine,is very", "poor,was not");
        Object[] columns = {"--prompt-column", "prompt", "--text-column", "text"};
        Path out = dir.resolve("pairs");
        Object[] task = {"--model", bert, "--task", "feature-extraction", "--data", pairs};
        String said = works("train", task, columns, "--eval-data", pairs, "--out", out, "--steps", 2);
        assertTrue(said.contains("tuned:   recall@1 "), said);
        assertTrue(Files.readString(out.resolve("report.html")).contains("recall@10"), "on the page");
        said = works("eval", task, columns, "--adapter", out);
        assertTrue(said.contains("(4 scored)") && said.contains("recall@5 1.0000") && said.contains("(rank "), said);
        cli.fails("--generate", all("eval", task, columns, "--generate", 1));
        Path model = DemoModel.unpack(dir.resolve("model"));
        Path texts = file("texts.csv", "prompt,text", "the fox is, happy", "the owl is, tired", "the fox is, sad");
        Object[] data = {"--model", model, "--data", texts};
        said = works("eval", data, columns, "--generate", 3, "--max-new-tokens", 4);
        assertTrue(said.contains("texts generated of 2 prompts:") && said.contains("BLEU "), said);
        assertTrue(said.contains("ROUGE-L ") && said.contains("worst first"), said);
        cli.fails("at least 1", all("eval", data, columns, "--generate", 0));
        cli.fails("--max-new-tokens", all("eval", data, columns, "--max-new-tokens", 4));
    }

    private String works(String command, Object[] first, Object[] second, Object... more) {
        return cli.works(all(command, first, second, more));
    }

    private static Object[] all(String command, Object[] first, Object[] second, Object... more) {
        return Stream.of(new Object[] {command}, first, second, more)
                .flatMap(Stream::of)
                .toArray();
    }

    @Test
    void conversations_and_preferences_are_trained() throws IOException {
        Path model = DemoModel.unpack(dir.resolve("model"));
        Path settings = model.resolve("tokenizer_config.json");
        Map<String, Object> config = new LinkedHashMap<>(Json.read(settings));
        config.put(
                "chat_template",
                "{% for m in messages %}{{ m.role }}{{ eos_token }}{{ m.content }}{{ eos_token }}{% endfor %}");
        Files.writeString(settings, Json.print(config));
        String turn =
                "{\"messages\":[{\"role\":\"user\",\"content\":\"fox\"},{\"role\":\"assistant\",\"content\":\"owl\"}]}";
        Path chats = file("chats.jsonl", turn, turn);
        Path out = dir.resolve("chat");
        cli.works(
                "train",
                "--model",
                model,
                "--form",
                "chat",
                "--data",
                chats,
                "--eval-data",
                chats,
                "--out",
                out,
                "--steps",
                2);
        cli.works("generate", "--model", model, "--adapter", out, "--chat", "--prompt", "fox", "--max-new-tokens", 3);
        String said = cli.works("eval", "--model", model, "--adapter", out, "--form", "chat", "--data", chats);
        assertTrue(said.contains("base   loss") && said.contains("tuned  loss"), said);
        Path pairs = file("pairs.jsonl", "{\"prompt\":\"the \",\"chosen\":\"fox\",\"rejected\":\"owl\"}");
        for (String form : List.of("dpo", "orpo")) {
            said = cli.works(
                    "train",
                    "--model",
                    model,
                    "--form",
                    form,
                    "--data",
                    pairs,
                    "--eval-data",
                    pairs,
                    "--out",
                    dir.resolve(form),
                    "--steps",
                    2);
            assertTrue(said.contains("accuracy"), said);
            String trained = said.lines()
                    .filter(line -> line.startsWith("  loss "))
                    .findFirst()
                    .orElse("");
            said = cli.works("eval", "--model", model, "--adapter", dir.resolve(form), "--form", form, "--data", pairs);
            assertEquals(
                    List.of(trained.strip().split(" +", -1)).subList(1, 3),
                    said.lines()
                            .filter(line -> line.matches("(base|tuned) .*"))
                            .map(line -> line.split(" +", -1)[2])
                            .toList());
        }
        cli.fails(
                "--form chat, whose records are not continued",
                "eval",
                "--model",
                model,
                "--form",
                "chat",
                "--data",
                chats,
                "--generate",
                1);
        cli.fails("--form chat", "train", "--model", model, "--data", chats, "--out", dir.resolve("no"));
        Path bert = TinyBert.write(dir.resolve("bert"));
        cli.fails("Use a language model", "eval", "--model", bert, "--form", "chat", "--data", chats);
        cli.fails("--form dpo", "eval", "--model", model, "--data", pairs);
        Path rated = file(
                "rated.jsonl",
                "{\"prompt\":\"the \",\"completion\":\"fox\",\"label\":true}",
                "{\"prompt\":\"the \",\"chosen\":\"fox\",\"rejected\":\"owl\"}");
        Path kto = dir.resolve("kto");
        said = cli.works(
                "train",
                "--model",
                model,
                "--form",
                "kto",
                "--data",
                rated,
                "--eval-data",
                rated,
                "--out",
                kto,
                "--strength",
                0.2,
                "--bad-weight",
                1.5,
                "--steps",
                2);
        assertTrue(said.contains("2 answers are rated as good and 1 as bad, weighed 1.0 and 1.5: 1.33 to 1"), said);
        assertTrue(said.contains("accuracy"), said);
        cli.fails(
                "kto has them alone",
                "train",
                "--model",
                model,
                "--form",
                "dpo",
                "--good-weight",
                2,
                "--data",
                pairs,
                "--out",
                dir.resolve("no"));
        cli.fails(
                "dpo, orpo and kto have one",
                "train",
                "--model",
                model,
                "--strength",
                2,
                "--data",
                pairs,
                "--out",
                dir.resolve("no"));
        cli.fails("label", "train", "--model", model, "--form", "kto", "--data", chats, "--out", dir.resolve("no"));
        cli.fails("rejected", "train", "--model", model, "--form", "dpo", "--data", chats, "--out", dir.resolve("no"));
    }

    @Test
    void an_adapter_is_written_for_llama_cpp() throws IOException {
        Path model = DemoModel.unpack(dir.resolve("model"));
        Path data = file("text.jsonl", "{\"text\":\"the fox was happy\"}", "{\"text\":\"the owl was tired\"}");
        Path out = dir.resolve("lora");
        cli.works("train", "--model", model, "--data", data, "--eval-data", data, "--out", out, "--steps", 1);
        Path gguf = dir.resolve("lora.gguf");
        cli.works("convert", "--model", model, "--adapter", out, "--out", gguf);
        assertTrue(Files.size(gguf) > 1000);
        cli.fails("there is a file", "convert", "--model", model, "--adapter", out, "--out", gguf);
        cli.works("convert", "--model", model, "--adapter", out, "--out", gguf, "--overwrite");
        cli.fails("holds files", "import", "--gguf", gguf, "--out", model);
        cli.fails("GGUF", "import", "--gguf", data, "--out", dir.resolve("imported"));
        cli.fails("--rank", "convert", "--model", model, "--adapter", out, "--out", gguf, "--rank", 2);
    }
}
