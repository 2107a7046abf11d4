package dev.peft4j.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BadFileException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The files of sentence-transformers are followed, or refused by name. */
class SentenceFilesTest {
    private static final String TRANSFORMER =
            "{\"idx\":0,\"path\":\"\",\"type\":\"sentence_transformers.models.Transformer\"}";
    private static final String POOLING =
            "{\"idx\":1,\"path\":\"1_Pooling\",\"type\":\"sentence_transformers.models.Pooling\"}";
    private static final String NORMALIZE =
            "{\"idx\":2,\"path\":\"2_Normalize\",\"type\":\"sentence_transformers.models.Normalize\"}";

    @TempDir
    Path dir;

    private void write(String name, String text) throws IOException {
        Path file = dir.resolve(name);
        Files.createDirectories(Objects.requireNonNull(file.getParent()));
        Files.writeString(file, text);
    }

    private void modules(String... modules) throws IOException {
        write("modules.json", "[" + String.join(",", modules) + "]");
    }

    private void refused(String file, String expected) {
        String message = String.valueOf(assertThrows(BadFileException.class, () -> SentenceFiles.read(dir))
                .getMessage());
        assertTrue(message.startsWith(dir.resolve(file).toString()), message);
        assertTrue(message.contains(expected), () -> "expected \"" + expected + "\" in: " + message);
    }

    @Test
    void without_the_files_the_mean_has_the_length_one_and_texts_any_length() throws IOException {
        assertEquals(new SentenceFiles(Pooling.MEAN, true, Integer.MAX_VALUE), SentenceFiles.read(dir));
    }

    @Test
    void without_modules_a_line_says_what_pooling_is_used() throws IOException {
        assertTrue(logged().contains("has no modules.json, so vectors are the mean of the hidden states"), logged());
        write("1_Pooling/config.json", "{\"pooling_mode_cls_token\":true}");
        assertTrue(logged().contains("so vectors are the hidden states of first tokens"), logged());
        modules(TRANSFORMER, POOLING);
        assertEquals("", logged());
    }

    private String logged() throws IOException {
        PrintStream before = System.err;
        ByteArrayOutputStream told = new ByteArrayOutputStream();
        System.setErr(new PrintStream(told, true, StandardCharsets.UTF_8));
        try {
            SentenceFiles.read(dir);
        } finally {
            System.setErr(before);
        }
        return told.toString(StandardCharsets.UTF_8);
    }

    @Test
    void files_of_a_model_are_those_that_are_read_also_in_another_folder() throws IOException {
        assertTrue(ModelFiles.of(dir).contains("1_Pooling/config.json"));
        assertTrue(ModelFiles.names().containsAll(List.of("modules.json", "sentence_xlm-roberta_config.json")));
        modules(TRANSFORMER, POOLING.replace("1_Pooling", "pooled"));
        assertTrue(ModelFiles.of(dir).contains("pooled/config.json"));
        for (String hostile : List.of("..", "../other", "/etc", "a/b", "", "a\\u0000b", ".git")) {
            modules(TRANSFORMER, POOLING.replace("1_Pooling", hostile));
            assertEquals(ModelFiles.names(), ModelFiles.of(dir), hostile);
        }
        write("modules.json", "[1");
        assertEquals(ModelFiles.names(), ModelFiles.of(dir));
    }

    @Test
    void modules_say_whether_vectors_are_normalised() throws IOException {
        write("1_Pooling/config.json", "{\"word_embedding_dimension\":8,\"pooling_mode_cls_token\":true}");
        write("sentence_bert_config.json", "{\"max_seq_length\":256,\"do_lower_case\":false}");
        modules(TRANSFORMER, POOLING, NORMALIZE);
        assertEquals(new SentenceFiles(Pooling.FIRST, true, 256), SentenceFiles.read(dir));
        modules(TRANSFORMER, POOLING);
        assertEquals(new SentenceFiles(Pooling.FIRST, false, 256), SentenceFiles.read(dir));
        modules(TRANSFORMER, POOLING.replace("1_Pooling", "9_Pooling"));
        write("9_Pooling/config.json", "{\"pooling_mode\":\"mean\"}");
        assertEquals(Pooling.MEAN, SentenceFiles.read(dir).pooling());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{} | MEAN",
                "{\"pooling_mode_cls_token\":false,\"pooling_mode_mean_tokens\":true} | MEAN",
                "{\"pooling_mode_cls_token\":true,\"pooling_mode_max_tokens\":false} | FIRST",
                "{\"pooling_mode\":\"cls\"} | FIRST",
                "{\"pooling_mode\":\"mean\",\"include_prompt\":true} | MEAN"
            })
    void the_pooling_is_the_one_that_is_named(String config, Pooling expected) throws IOException {
        write("1_Pooling/config.json", config);
        assertEquals(expected, SentenceFiles.read(dir).pooling());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"pooling_mode_max_tokens\":true} | [max_tokens]",
                "{\"pooling_mode_lasttoken\":true} | [lasttoken]",
                "{\"pooling_mode\":\"weightedmean\"} | [weightedmean]",
                "{\"pooling_mode_cls_token\":true,\"pooling_mode_mean_tokens\":true} | cls_token, mean_tokens",
                "{\"pooling_mode_cls_token\":false} | []"
            })
    void other_poolings_are_refused_by_name(String config, String expected) throws IOException {
        write("1_Pooling/config.json", config);
        refused("1_Pooling/config.json", expected);
    }

    @Test
    void other_modules_and_paths_out_of_the_directory_are_refused() throws IOException {
        write("1_Pooling/config.json", "{\"pooling_mode\":\"cls\"}");
        modules(TRANSFORMER, POOLING, NORMALIZE.replace("Normalize", "Dense"));
        refused("modules.json", "[Transformer, Pooling, Dense]");
        modules(POOLING, TRANSFORMER);
        refused("modules.json", "[Pooling, Transformer]");
        modules(TRANSFORMER.replace("\"path\":\"\"", "\"path\":\"0_Transformer\""), POOLING);
        refused("modules.json", "0_Transformer");
        for (String path : new String[] {"../x", "/tmp", "a/b", "..", "."}) {
            modules(TRANSFORMER, POOLING.replace("1_Pooling", path));
            refused("modules.json", "which is no name of one in");
        }
        modules(TRANSFORMER, POOLING.replace("1_Pooling", "3_Pooling"));
        refused("3_Pooling/config.json", "is not there");
        write("modules.json", "{\"a\":1}");
        refused("modules.json", "a list of JSON objects was expected");
        write("modules.json", "[1]");
        refused("modules.json", "a list of JSON objects was expected");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"max_seq_length\":0} | max_seq_length",
                "{\"max_seq_length\":\"many\"} | max_seq_length",
                "{\"max_seq_length\":1e99} | max_seq_length",
                "{\"do_lower_case\":true} | do_lower_case"
            })
    void a_length_that_is_none_is_refused(String config, String expected) throws IOException {
        write("sentence_bert_config.json", config);
        refused("sentence_bert_config.json", expected);
    }

    @Test
    void a_null_length_is_none_and_old_names_of_the_file_are_read() throws IOException {
        write("sentence_bert_config.json", "{\"max_seq_length\":null}");
        assertEquals(Integer.MAX_VALUE, SentenceFiles.read(dir).longest());
        Files.delete(dir.resolve("sentence_bert_config.json"));
        write("sentence_roberta_config.json", "{\"max_seq_length\":128}");
        assertEquals(128, SentenceFiles.read(dir).longest());
    }

    @Test
    void lower_case_is_the_business_of_the_tokenizer_and_asked_for_by_both_or_neither() throws IOException {
        write("sentence_bert_config.json", "{\"max_seq_length\":512,\"do_lower_case\":true}");
        write("tokenizer_config.json", "{\"do_lower_case\":true}");
        assertEquals(512, SentenceFiles.read(dir).longest());
        write("tokenizer_config.json", "{\"do_lower_case\":false}");
        refused("sentence_bert_config.json", "tokenizer_config.json does not say so");
    }
}
