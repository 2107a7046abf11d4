package dev.peft4j.models;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.peft4j.core.error.BadFileException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is refused in a tokenizer.json, and that the message names the part. Most of these end the process if the library sees them. */
class TokenizerFileTest {
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();
    private static final int SIZE = 2000;

    @TempDir
    Path directory;

    private String refused(String kind, Consumer<ObjectNode> change) throws IOException {
        ObjectNode root = (ObjectNode) Fixtures.read(Fixtures.tokenizer(kind));
        change.accept(root);
        return refused(JSON.writeValueAsString(root), SIZE);
    }

    private String refused(String json, int size) throws IOException {
        Files.writeString(directory.resolve("tokenizer.json"), json);
        return assertThrows(BadFileException.class, () -> TextTokenizer.open(directory, size)
                        .close())
                .getMessage();
    }

    /** Sets a field by its path; the value is JSON. */
    private static void set(JsonNode root, String path, String value) {
        try {
            int last = path.lastIndexOf('/');
            JsonNode parent = root.at(path.substring(0, last));
            JsonNode node = value.equals("absent") ? null : JSON.readTree(value);
            String name = path.substring(last + 1);
            if (parent instanceof ObjectNode object && node == null) {
                object.remove(name);
            } else if (parent instanceof ObjectNode object) {
                object.set(name, node);
            } else {
                ((com.fasterxml.jackson.databind.node.ArrayNode) parent).set(Integer.parseInt(name), node);
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "bert; /version; `\"2.0\"`; version",
                "bert; /truncation; `{\"max_length\":-1,\"stride\":0,\"strategy\":\"LongestFirst\"}`; truncation.max_length",
                "bert; /truncation; 7; truncation",
                "bert; /padding; `{\"strategy\":\"Best\"}`; padding.strategy",
                "bert; /added_tokens; 5; added_tokens",
                "bert; /added_tokens/0/id; -1; added_tokens[0].id",
                "bert; /added_tokens/0/id; 4294967296; added_tokens[0].id",
                "bert; /added_tokens/0/content; null; added_tokens[0].content",
                "bert; /added_tokens/0/content; `\"\\ud800\"`; added_tokens[0].content",
                "bert; /added_tokens/0/lstrip; absent; added_tokens[0].lstrip",
                "bert; /normalizer/type; `\"Magic\"`; normalizer",
                "bert; /normalizer/lowercase; `\"yes\"`; normalizer.lowercase",
                "bert; /pre_tokenizer; `{\"type\":\"FixedLength\",\"length\":0}`; pre_tokenizer.length",
                "bert; /pre_tokenizer; `{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(a+)+$\"},\"behavior\":\"Isolated\",\"invert\":false}`; too long",
                "bert; /pre_tokenizer; `{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(a)\\\\1\"},\"behavior\":\"Isolated\",\"invert\":false}`; pre_tokenizer.pattern",
                "bert; /pre_tokenizer; `{\"type\":\"Split\",\"pattern\":{},\"behavior\":\"Isolated\",\"invert\":false}`; pre_tokenizer.pattern.Regex",
                "bert; /pre_tokenizer; `{\"type\":\"Metaspace\",\"replacement\":\"ab\"}`; pre_tokenizer.replacement",
                "bert; /normalizer; `{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"^\"},\"content\":\"x\"}`; normalizer.pattern",
                "bert; /normalizer; `{\"type\":\"Replace\",\"pattern\":{\"String\":\"\"},\"content\":\"x\"}`; normalizer.pattern",
                "bert; /normalizer; `{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"AAAA\"}`; normalizer",
                "bert; /normalizer; `{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"/////wAAAAA=\"}`; normalizer",
                "bert; /decoder; `{\"type\":\"Strip\",\"content\":\" \",\"start\":0,\"stop\":1}`; decoder.stop",
                "bert; /decoder; `{\"type\":\"Strip\",\"content\":\" \",\"start\":18446744073709551616e400,\"stop\":0}`; decoder.start",
                "bert; /decoder; `[]`; decoder",
                "bert; /post_processor/special_tokens/[CLS]/ids/0; 2000; special_tokens.[CLS]",
                "bert; /post_processor/special_tokens/[CLS]/ids/0; 0.5; special_tokens.[CLS]",
                "bert; /post_processor/special_tokens/[CLS]/ids; `[]`; special_tokens.[CLS]",
                "bert; /post_processor/special_tokens/[CLS]; absent; post_processor",
                "bert; /post_processor/single/1/Sequence/id; `\"B\"`; post_processor.single[1]",
                "bert; /post_processor/single/1; `{\"SpecialToken\":{\"id\":\"[SEP]\",\"type_id\":0}}`; post_processor",
                "bert; /post_processor; `{\"type\":\"Sequence\",\"processors\":[{\"type\":\"BertProcessing\",\"sep\":[\"a\",1],\"cls\":[\"a\",1]},{\"type\":\"BertProcessing\",\"sep\":[\"a\",1],\"cls\":[\"a\",1]}]}`; processors[1]",
                "bert-cased; /post_processor/sep/1; 2001; post_processor",
                "bert-cased; /post_processor/sep; `[\"[SEP]\"]`; post_processor",
                "bert; /model; null; model",
                "bert; /model/type; `\"Magic\"`; model",
                "bert; /model/vocab; `{}`; model.vocab",
                "bert; /model/vocab/[PAD]; -1; model.vocab.[PAD]",
                "bert; /model/vocab/[PAD]; 4294967295; model.vocab.[PAD]",
                "bert; /model/vocab/[PAD]; `\"0\"`; model.vocab.[PAD]",
                "bert; /model/vocab/[PAD]; 2000; They do not belong together",
                "bert; /model/unk_token; `\"nothing\"`; unk_token",
                "bert; /model/unk_token; null; model.unk_token",
                "bert; /model/max_input_chars_per_word; 1000000; model.max_input_chars_per_word",
                "gpt2; /model/merges/0; `[\"a\",\"no such token\"]`; merges[0]",
                "gpt2; /model/merges/0; `\"a b c\"`; merges[0]",
                "gpt2; /model/merges/0; 5; merges[0]",
                "gpt2; /model/dropout; 0.1; dropout",
                "gpt2; /model/merges; absent; model.merges",
                "wordpiece-bpe; /model/continuing_subword_prefix; `\"longer than any token\"`; merges[0]",
                "wordpiece-bpe; /model/unk_token; `\"nothing\"`; unk_token",
                "t5; /model/unk_id; 250; model.unk_id",
                "t5; /model/unk_id; -1; model.unk_id",
                "t5; /model/vocab/3; `[\"a\"]`; vocab[3]",
                "t5; /model/vocab/3; `[\"a\",1e999]`; vocab[3]",
                "t5; /model/vocab/3; `[5,0]`; vocab[3]",
                "t5; /model/vocab; `[]`; vocab",
            })
    void a_damaged_part_is_refused_by_its_name(String kind, String path, String value, String named)
            throws IOException {
        String message = refused(kind, root -> set(root, path, value));
        assertTrue(message.contains(named), () -> named + " is not in: " + message);
        assertTrue(message.endsWith(".") && message.length() < 600, message);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "null", "[]", "5", "\"a\"", "{", "{\"model\":", "{} {}", "{\"a\":1,\"a\":2}", "\ufeff{}"})
    void what_is_no_json_object_is_refused(String json) throws IOException {
        refused(json, SIZE);
    }

    @Test
    void what_is_no_text_is_refused() throws IOException {
        Files.write(directory.resolve("tokenizer.json"), "{\"é\":1}".getBytes(StandardCharsets.ISO_8859_1));
        assertThrows(BadFileException.class, () -> TextTokenizer.open(directory, SIZE));
    }

    @Test
    void deep_nesting_is_refused() throws IOException {
        String deep = "{\"type\":\"Sequence\",\"normalizers\":[".repeat(40) + "]}".repeat(40);
        String message = refused("bert", root -> set(root, "/normalizer", deep));
        assertTrue(message.contains("inside each other"), message);
        refused("[".repeat(5000) + "]".repeat(5000), SIZE);
    }

    @Test
    void tokens_that_the_normaliser_makes_empty_or_equal_are_refused() throws IOException {
        String token =
                "{\"id\":%d,\"content\":\"%s\",\"single_word\":false,\"lstrip\":%b,\"rstrip\":%b,\"normalized\":%b,\"special\":false}";
        for (String added : List.of(
                token.formatted(900, "\\u0301", false, false, true),
                token.formatted(900, "Abc", false, false, true) + "," + token.formatted(901, "abc", false, false, true),
                token.formatted(900, "x", false, true, false) + ","
                        + token.formatted(901, "\\n", true, false, false))) {
            String message = refused("bert", root -> set(root, "/added_tokens", "[" + added + "]"));
            assertTrue(message.contains("added_tokens"), message);
        }
    }

    @Test
    void ids_of_all_kinds_of_vocabularies_have_to_fit_the_model() throws IOException {
        for (String kind : Fixtures.kinds()) {
            String message = refused(Files.readString(Fixtures.tokenizer(kind)), 200);
            assertTrue(message.contains("200 (vocab_size)") && message.contains("do not belong together"), message);
        }
    }

    @Test
    void a_token_behind_the_vocabulary_is_allowed_until_a_text_has_it() throws IOException {
        ObjectNode root = (ObjectNode) Fixtures.read(Fixtures.tokenizer("gpt2"));
        ObjectNode pad = root.withArray("added_tokens").get(0).deepCopy();
        root.withArray("added_tokens").add(pad.put("id", 420).put("content", "[PAD]"));
        Files.writeString(directory.resolve("tokenizer.json"), JSON.writeValueAsString(root));
        try (TextTokenizer tokenizer = TextTokenizer.open(directory, 420)) {
            int[] ids = tokenizer.encode("a fox", true);
            String message = assertThrows(IllegalArgumentException.class, () -> tokenizer.encode("a [PAD] fox", true))
                    .getMessage();
            assertTrue(
                    message.contains("[PAD]") && message.contains("id 420") && message.contains("Take it out"),
                    message);
            assertArrayEquals(ids, tokenizer.encode("a fox", true));
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "`{\"split_special_tokens\":true}`; split_special_tokens",
                "`{\"auto_map\":{\"AutoTokenizer\":[\"a.B\",null]}}`; auto_map",
                "`{\"fast_tokenizer_files\":[\"tokenizer.4.0.0.json\"]}`; fast_tokenizer_files",
                "`{\"tokenizer_class\":\"MPNetTokenizer\"}`; tokenizer_class",
                "`{\"tokenizer_class\":5}`; tokenizer_class",
                "`{\"eos_token\":5}`; eos_token",
                "`{\"eos_token\":{\"content\":7}}`; eos_token.content",
                "`{\"added_tokens_decoder\":{\"x\":{\"content\":\"a\"}}}`; added_tokens_decoder",
                "`{\"additional_special_tokens\":\"a\"}`; additional_special_tokens",
                "`{\"tokenizer_class\":\"GPT2Tokenizer\"}`; a BPE model was expected",
                "`{\"tokenizer_class\":\"BertTokenizer\",\"do_lower_case\":null}`; do_lower_case",
                "`{\"tokenizer_class\":\"BertTokenizer\",\"cls_token\":null}`; cls_token",
                "`null`; found null",
            })
    void settings_that_are_wrong_or_not_supported_are_refused_by_name(String settings, String named)
            throws IOException {
        Files.writeString(directory.resolve("tokenizer_config.json"), settings);
        String message = refused("bert", root -> {});
        assertTrue(message.contains("tokenizer") && message.contains(named), message);
    }

    @Test
    void an_end_token_that_the_model_does_not_have_is_refused() throws IOException {
        Files.writeString(directory.resolve("tokenizer_config.json"), "{\"eos_token\":\"</new>\"}");
        String message = refused(Files.readString(Fixtures.tokenizer("gpt2")), 420);
        assertTrue(message.contains("eos_token has the id 420"), message);
    }

    @Test
    void a_directory_without_a_tokenizer_says_so() {
        String message = assertThrows(BadFileException.class, () -> TextTokenizer.open(directory, SIZE))
                .getMessage();
        assertTrue(message.contains("there is none"), message);
    }
}
