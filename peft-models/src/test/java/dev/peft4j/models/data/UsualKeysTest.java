package dev.peft4j.models.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.site.TaskType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each task reads its usual keys, of lines and of tables, whether it is known or not. */
class UsualKeysTest {
    @TempDir
    Path dir;

    private Path lines(String text) throws IOException {
        return Files.writeString(dir.resolve("a.jsonl"), text.replace('\'', '"') + "\n");
    }

    private static String refused(RecordReader reader, Path file) {
        return String.valueOf(
                assertThrows(BadFileException.class, () -> reader.read(file)).getMessage());
    }

    private static RecordReader of(TaskType task) {
        return RecordReader.defaults().withTask(task);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "TOKEN_CLS | tokens,tags",
                "TOKEN_CLS | words,ner_tags",
                "TOKEN_CLS | words,labels",
                "TOKEN_CLS | text,tags",
                "QUESTION_ANS | question,context,answers",
                "QUESTION_ANS | prompt,text,answer",
                "FEATURE_EXTRACTION | anchor,positive",
                "FEATURE_EXTRACTION | prompt,text",
                "FEATURE_EXTRACTION | query,positive",
                "SEQ_CLS | premise,hypothesis,label",
                "SEQ_CLS | prompt,text,label",
                "SEQ_CLS | sentence1,sentence2,labels",
                "SEQ_CLS | text1,text2,label",
                "SEQ_CLS | question,text,label",
                "SEQ_CLS | text,label",
                "SEQ_CLS | text,labels",
                "CAUSAL_LM | prompt,completion",
                "CAUSAL_LM | text",
                "MASKED_LM | text"
            })
    void a_task_reads_its_usual_keys(TaskType task, String keys) throws IOException {
        List<String> names = List.of(keys.split(","));
        boolean labelled = task != TaskType.FEATURE_EXTRACTION && task != TaskType.CAUSAL_LM && names.size() > 1;
        int text = names.size() - (labelled ? 2 : 1);
        StringBuilder line = new StringBuilder();
        names.forEach(n -> line.append(line.isEmpty() ? "{" : ",").append("'" + n + "':'of " + n + "'"));
        Path jsonl = lines(line + "}");
        Path table = Files.writeString(dir.resolve("a.csv"), keys + "\n" + keys.replaceAll("(\\w+)", "of $1") + "\n");
        for (RecordReader reader : List.of(of(task), RecordReader.defaults())) {
            for (Path file : List.of(jsonl, table)) {
                TextRecord record = reader.read(file).get(0);
                assertEquals("of " + names.get(text), record.text());
                assertEquals(
                        text == 0 ? "" : "of " + names.get(0), record.prompt().strip());
                assertEquals(labelled ? "of " + names.get(names.size() - 1) : "null", String.valueOf(record.label()));
            }
        }
    }

    @Test
    void lists_of_words_are_read_under_both_of_their_keys() throws IOException {
        for (String key : List.of("tokens", "words")) {
            TextRecord record = RecordReader.defaults()
                    .read(lines("{'" + key + "':['a','b'],'ner_tags':[0,1]}"))
                    .get(0);
            assertEquals("a b", record.text());
            assertEquals("[0,1]", record.label());
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'tokens':['a'],'tags':['O'],'ner_tags':[0]} | tags and ner_tags",
                "{'tokens':['a'],'words':['a'],'tags':['O']} | tokens and words",
                "{'question':'a','prompt':'b','context':'c','answers':'c'} | question and prompt",
                "{'text':'a','label':1,'labels':[1]} | label and labels",
                "{'prompt':'a','text':'b','completion':'c'} | [prompt, text] and [prompt, completion]"
            })
    void two_keys_of_one_kind_are_an_error_that_names_them(String line, String both) throws IOException {
        String message = refused(RecordReader.defaults(), lines(line));
        assertTrue(message.contains("line 1 has [") && message.contains(both + " may both be meant"), message);
        assertTrue(message.contains("--text-column") && message.contains("RecordReader.withPrompt"), message);
    }

    @Test
    void keys_of_the_task_that_are_missing_are_named_and_never_to_be_removed() throws IOException {
        String message = refused(of(TaskType.QUESTION_ANS), lines("{'prompt':'a','text':'b'}"));
        assertTrue(
                message.contains("has not what records for QUESTION_ANS have (question|prompt, context|text,"
                        + " answers|answer), but [prompt, text]. Add or rename"),
                message);
        message = refused(of(TaskType.CAUSAL_LM), lines("{'prompt':'a','text':'b'}"));
        assertTrue(message.contains("has [prompt] beside [text]") && message.contains("prompt, completion"), message);
        assertFalse(message.contains("Remove") || message.contains("Take out"), message);
        message = refused(of(TaskType.TOKEN_CLS), lines("{'id':1,'tokens':['a'],'tags':['O']}"));
        assertTrue(message.contains("has [id] beside [tokens, tags]") && message.contains("Take out"), message);
        message = refused(of(TaskType.CAUSAL_LM), lines("{'question':'a','context':'b','answers':'b'}"));
        assertTrue(message.contains("records for CAUSAL_LM have (prompt, completion; or text)"), message);
    }

    @Test
    void what_is_named_takes_the_place_of_the_usual_key_only() throws IOException {
        Path file = lines("{'question':'a','passage':'b','answers':'b'}");
        TextRecord record =
                of(TaskType.QUESTION_ANS).withText("passage").read(file).get(0);
        assertEquals(new TextRecord("a", "b", "b", file + ", line 1"), record);
        file = lines("{'premise':'a','hypothesis':'b','gold':'no'}");
        assertEquals(
                "no", of(TaskType.SEQ_CLS).withLabel("gold").read(file).get(0).label());
        file = lines("{'question':'a','text':'b','label':'no'}");
        assertEquals("", of(TaskType.SEQ_CLS).withText("text").read(file).get(0).prompt());
    }
}
