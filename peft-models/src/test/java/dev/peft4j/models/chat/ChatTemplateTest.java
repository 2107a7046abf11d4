package dev.peft4j.models.chat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where the template of a checkpoint is found, and which variables it sees. */
class ChatTemplateTest {
    private static final List<ChatMessage> CHAT = List.of(ChatMessage.user("Hi"));

    @TempDir
    Path directory;

    private void write(String name, String text) throws IOException {
        Files.writeString(directory.resolve(name), text);
    }

    private String render() throws IOException {
        return ChatTemplate.open(directory).render(CHAT, true);
    }

    private String refused() {
        String message = String.valueOf(assertThrows(BadFileException.class, () -> ChatTemplate.open(directory))
                .getMessage());
        assertTrue(message.startsWith(directory.toString()), message);
        assertTrue(message.endsWith("."), message);
        return message;
    }

    @Test
    void the_jinja_file_is_taken_before_the_config_and_that_before_the_other_file() throws IOException {
        assertTrue(refused().contains("there is none"));
        write("chat_template.json", "{\"chat_template\": \"processor\"}");
        assertEquals("processor", render());
        write("tokenizer_config.json", "{\"chat_template\": \"config\"}");
        assertEquals("config", render());
        write("chat_template.jinja", "file");
        assertEquals("file", render());
    }

    @Test
    void of_a_list_the_default_is_taken() throws IOException {
        write(
                "tokenizer_config.json",
                "{\"chat_template\": [{\"name\": \"rag\", \"template\": \"a\"}, {\"name\": \"default\", \"template\": \"b\"}]}");
        assertEquals("b", render());
        write("tokenizer_config.json", "{\"chat_template\": [{\"name\": \"rag\", \"template\": \"a\"}]}");
        assertTrue(refused().contains("[rag]"));
        write("tokenizer_config.json", "{\"chat_template\": 5}");
        assertTrue(refused().contains("neither"));
        write("tokenizer_config.json", "{\"chat_template\": null}");
        assertTrue(refused().contains("there is none"));
    }

    @Test
    void special_tokens_are_variables_however_they_are_written() throws IOException {
        write("chat_template.jinja", "{{ bos_token }}{{ eos_token }}{{ pad_token is defined }}{{ tools is none }}");
        write(
                "tokenizer_config.json",
                "{\"bos_token\": {\"__type\": \"AddedToken\", \"content\": \"<s>\"}, \"eos_token\": \"</s>\", \"pad_token\": null}");
        assertEquals("<s></s>FalseTrue", render());
    }

    @Test
    void special_tokens_of_the_class_are_taken_where_files_name_none() throws IOException {
        write("chat_template.jinja", "{{ bos_token }}|{{ eos_token }}");
        write("tokenizer_config.json", "{\"tokenizer_class\": \"LlamaTokenizer\"}");
        assertEquals("<s>|</s>", render()); // defaults of LlamaTokenizer in transformers
        write("tokenizer_config.json", "{\"tokenizer_class\": \"LlamaTokenizer\", \"eos_token\": \"<end>\"}");
        assertEquals("<s>|<end>", render());
    }

    @Test
    void a_damaged_template_names_its_file_and_line() throws IOException {
        write("chat_template.jinja", "a\n{% if %}");
        String message = refused();
        assertTrue(message.contains("chat_template.jinja") && message.contains("line 2"), message);
        Files.write(directory.resolve("chat_template.jinja"), new byte[] {(byte) 0xff, 'a'});
        assertTrue(refused().contains("UTF-8"));
    }

    @Test
    void more_variables_can_be_given() {
        ChatTemplate template = ChatTemplate.of(
                "{{ x }}{% for t in tools or [] %}{{ t.name }}{% endfor %}{{ eos_token }}",
                Map.of("eos_token", "</s>"));
        assertEquals("</s>", template.render(CHAT, false));
        assertEquals(
                "1f</s>",
                template.withVariable("x", 1)
                        .withVariable("tools", List.of(Map.of("name", "f")))
                        .render(CHAT, false));
        assertEquals(
                "None.",
                template.withVariable("x", null).withVariable("eos_token", ".").render(CHAT, false));
    }

    @Test
    void no_messages_and_refused_messages_are_errors() {
        ChatTemplate template = ChatTemplate.of(
                "{% if messages[0].role == 'system' %}{{ raise_exception('No system here') }}{% endif %}", Map.of());
        assertThrows(BadInputException.class, () -> template.render(List.of(), true));
        String message = String.valueOf(
                assertThrows(BadInputException.class, () -> template.render(List.of(ChatMessage.system("a")), true))
                        .getMessage());
        assertTrue(message.contains("No system here"), message);
    }

    @Test
    void text_of_messages_is_never_read_as_a_template() {
        ChatTemplate template = ChatTemplate.of("{{ messages[0].content }}", Map.of());
        String text = "{{ bos_token }}{% raise %}{# x #}";
        assertEquals(text, template.render(List.of(ChatMessage.user(text)), false));
    }

    @Test
    void a_template_that_makes_nothing_of_a_conversation_is_told_before_an_answer() {
        assertEquals(
                "Hi", ChatTemplate.of("{{ messages[0].content }}", Map.of()).prompt(CHAT));
        for (String source : List.of("", " \n", "{% if false %}x{% endif %}")) {
            ChatTemplate template = ChatTemplate.of(source, Map.of());
            String message = String.valueOf(assertThrows(BadInputException.class, () -> template.prompt(CHAT))
                    .getMessage());
            assertTrue(message.contains("the chat template made ") && message.contains("Give"), message);
        }
    }
}
