package dev.peft4j.cli;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Records that are wrong: the command says which line, what was found there, and what to do. */
class BadRecordsTest {
    @TempDir
    Path dir;

    private final CommandFixture cli = new CommandFixture();
    private Path bert = Path.of("");

    @BeforeEach
    void write() throws IOException {
        bert = TinyBert.write(dir.resolve("bert"));
    }

    private Path file(String name, String text) throws IOException {
        return Files.writeString(dir.resolve(name), text.replace("\\n", "\n"));
    }

    /** The message names the file, its line if there is one, and the rest of what is expected. */
    private void refused(String expected, String task, Path data, Object... more) {
        List<Object> args = new ArrayList<>(
                List.of("train", "--model", bert, "--task", task, "--data", data, "--out", dir.resolve("o")));
        args.addAll(List.of("--steps", 1));
        args.addAll(List.of(more));
        List<String> parts = List.of(expected.split(" & ", -1));
        cli.fails(parts.get(0), args.toArray());
        for (String part : parts) {
            assertTrue(cli.err.contains(part), () -> "expected \"" + part + "\" in: " + cli.err);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "seq-cls | a.csv | text,label\\nx,0\\ny,7 | a.csv, line 3: the label 7 & numbered from 0 to 2 & Correct",
                "seq-cls | a.csv | text,label\\nx,0\\ny, | a.csv, line 3: the record has no label & others of these 2 have one & take the record out",
                "seq-cls | a.csv | text,mark\\nx,0\\ny, | a.csv: the table has not what records for SEQ_CLS have & but [text, mark] & --label-column",
                "token-cls | a.jsonl | {\"tokens\":[\"x\"],\"tags\":[\"O\"]}\\n{\"tokens\":[\"x\",\"y\"],\"tags\":[\"O\"]} | line 2: 1 tags were found for 2 words",
                "token-cls | a.jsonl | {\"tokens\":[\"x\"],\"tags\":[\"O\"]} | all records have the label O & a.jsonl, line 1",
                "seq-cls | a.csv | text,label\\nx,1\\ny,1.0 | a.csv, line 3: the labels 1 and 1.0 & in one way",
                "seq-cls | a.csv | text,text\\nx,0 | two columns of [text, text] & Correct the header",
                "seq-cls | a.csv | sentence,label\\nx,0 | but [sentence, label] & --text-column",
                "seq-cls | a.csv | text,label\\nx,0,1 | line 2 has 3 fields, the header 2 & Correct",
                "seq-cls | a.csv | '' | the file is empty & Give another",
                "seq-cls | a.jsonl | '' | the file has none & Give a file",
                "seq-cls | a.jsonl | {\"sentence1\":\"x\",\"sentence2\":\"\",\"label\":0} | line 1: the record has one text, its first & Give it both",
                "seq-cls | a.jsonl | {\"sentence1\":\"x\",\"sentence2\":\"y\",\"label\":0}\\n{\"sentence1\":\"\",\"sentence2\":\"y\",\"label\":0} | line 2: the record has one text, its second & Give it both",
                "feature-extraction | a.jsonl | {\"anchor\":\"\",\"positive\":\"y\"} | line 1: the record has one text, its second & Give it both",
                "feature-extraction | a.jsonl | {\"anchor\":\" \",\"positive\":\"\"} | line 1: the record has no text & Give it both",
                "token-cls | a.jsonl | {\"tokens\":[\"x\",\"y\"],\"tags\":[0,1,0]} | line 1: 3 tags were found for 2 words & Give one tag",
                "token-cls | a.jsonl | {\"tokens\":[\"x\"],\"tags\":[null]} | line 1: the list of labels [null] has at place 1 & Correct",
                "token-cls | a.jsonl | {\"tokens\":[\"x\"],\"tags\":[3]} | line 1: the label 3 & numbered from 0 to 2 & Correct",
                "question-ans | a.jsonl | {\"question\":\"x\",\"context\":\"y\",\"answers\":\"z\"} | line 1: the answer \"z\" & does not have it there & Correct",
                "masked-lm | a.jsonl | {\"text\":\"the film\"}\\n{\"text\":\"\"} | line 2: the record has no text & Take it out"
            })
    void a_bad_record_is_told_with_its_line(String task, String name, String text, String expected) throws IOException {
        refused(expected, task, file(name, text));
    }

    @Test
    void a_column_that_is_not_there_is_told_with_those_that_are() throws IOException {
        Path table = file("a.csv", "sentence,class\\nx,0");
        refused(
                "has no \"sentense\" & [sentence, class] & Did you mean sentence?",
                "seq-cls",
                table,
                "--text-column",
                "sentense");
        refused(
                "has no \"label\" & [sentence, class] & Name one of these",
                "seq-cls",
                table,
                "--text-column",
                "sentence",
                "--label-column",
                "label");
    }

    @Test
    void a_label_of_the_held_out_file_alone_is_told_with_its_line() throws IOException {
        Path train = file("train.csv", "text,label\\na film,good\\na book,bad\\nthe film,fine");
        Path test = file("test.csv", "text,label\\na film,good\\na book,poor");
        refused(
                "test.csv, line 3: the label poor was found & [bad, fine, good] & Correct the label",
                "seq-cls",
                train,
                "--eval-data",
                test);
    }

    @ParameterizedTest
    @CsvSource({
        "ISO-8859-1, line 3, LATIN1",
        "UTF-16, line 1, UTF-16",
        "UTF-16LE, line 1, UTF-16LE",
        "UTF-32BE, line 1, UTF-32BE"
    })
    void other_encodings_are_told_with_the_line_and_the_command_that_converts_them(
            String charset, String line, String name) throws IOException {
        Path data = Files.write(
                dir.resolve("a.csv"), "text,label\na film,0\ncaf\u00e9,1\n".getBytes(Charset.forName(charset)));
        refused("a.csv: " + line + ": text in UTF-8 was expected & iconv -f " + name + " -t UTF-8", "seq-cls", data);
    }

    @Test
    void a_byte_order_mark_and_a_label_that_only_the_drawn_side_has_are_no_mistake() throws IOException {
        String rows = "\uFEFFtext,label\n" + "a film,0\na book,1\n".repeat(10) + "the very good film,2\n";
        Path data = Files.write(dir.resolve("a.csv"), rows.getBytes(StandardCharsets.UTF_8));
        for (int seed = 0; seed < 3; seed++) {
            cli.works(
                    "train",
                    "--model",
                    bert,
                    "--data",
                    data,
                    "--out",
                    dir.resolve("o" + seed),
                    "--steps",
                    1,
                    "--seed",
                    seed);
        }
    }

    @Test
    void records_that_are_cut_and_left_out_are_counted() throws IOException {
        Path data = file("a.jsonl", "{\"text\":\"the good film\"}\\n{\"text\":\"unheard words\"}\\n{\"text\":\"a\"}");
        String said = cli.works(
                "train",
                "--model",
                bert,
                "--task",
                "masked-lm",
                "--data",
                data,
                "--eval-data",
                data,
                "--max-length",
                4,
                "--out",
                dir.resolve("o"),
                "--steps",
                2);
        assertTrue(said.contains("1 were longer than 4 tokens and were cut; 1 had nothing left to score"), said);
    }
}
