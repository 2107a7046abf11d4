package dev.peft4j.models.chat;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.models.TextTokenizer;
import dev.peft4j.models.jinja.Rendering;
import dev.peft4j.models.jinja.Template;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The Jinja template of a checkpoint, which makes one text of messages in the form that the model was trained on: {@code apply_chat_template} of transformers.
 * The special tokens of its tokenizer are variables of the template ({@code bos_token}, ...). It can be used by several threads.
 *
 * <p>A template is a program from elsewhere: it sees messages and variables and nothing else, and its steps and its text have a limit.
 */
public final class ChatTemplate {
    private final Template template;
    private final Map<String, @Nullable Object> variables;

    private ChatTemplate(Template template, Map<String, @Nullable Object> variables) {
        this.template = template;
        this.variables = variables;
    }

    /**
     * The template of a model directory: {@code chat_template.jinja}, or {@code chat_template} of {@code tokenizer_config.json}.
     *
     * @throws BadFileException if there is none, or it cannot be read; with the line of the template, if it is not written as Jinja is
     */
    public static ChatTemplate open(Path directory) throws IOException {
        TemplateFiles found = TemplateFiles.of(directory);
        try {
            return of(found.source(), TextTokenizer.specialTokens(directory));
        } catch (BadInputException e) {
            throw new BadFileException(found.file(), String.valueOf(e.getMessage()), e);
        }
    }

    /**
     * A template that is given as a text.
     *
     * @param specialTokens their texts by name, such as {@code eos_token}
     * @throws BadInputException with the line, if it is not written as Jinja is, or uses a filter that is not known
     */
    public static ChatTemplate of(String source, Map<String, String> specialTokens) {
        Map<String, @Nullable Object> variables = new HashMap<>();
        variables.put("tools", null); // transformers gives both to every template
        variables.put("documents", null);
        variables.putAll(specialTokens);
        return new ChatTemplate(Template.of(source), variables);
    }

    /**
     * The same with one more variable, such as {@code enable_thinking} of Qwen 3, {@code date_string} of Llama 3, or {@code tools}.
     *
     * @param value a text, number or truth value, null, or a list or map of these
     */
    public ChatTemplate withVariable(String name, @Nullable Object value) {
        Map<String, @Nullable Object> more = new HashMap<>(variables);
        more.put(name, value);
        return new ChatTemplate(template, more);
    }

    /**
     * The text of messages.
     *
     * @param addGenerationPrompt whether what stands in front of an answer comes last, so that the model goes on with one
     * @throws BadInputException with the message of the template, if it refuses the messages; with the line of the template, if it fails
     */
    public String render(List<ChatMessage> messages, boolean addGenerationPrompt) {
        return render(messages, addGenerationPrompt, false).text();
    }

    /**
     * The text behind which the next answer is generated.
     *
     * @throws BadInputException as {@link #render}, or if it is empty
     */
    public String prompt(List<ChatMessage> messages) {
        String text = render(messages, true);
        requireText(text);
        return text;
    }

    /** Makes sure that something was made of a whole conversation. */
    static void requireText(String rendered) {
        if (rendered.isBlank()) {
            throw new BadInputException("a conversation was to be rendered, and the chat template made "
                    + (rendered.isEmpty() ? "nothing" : "white space alone")
                    + " of it. Give the checkpoint a template that writes its messages (chat_template.jinja).");
        }
    }

    /** The same with the places of what stands in generation blocks, if they are asked for. */
    Rendering render(List<ChatMessage> messages, boolean addGenerationPrompt, boolean tracks) {
        if (messages.isEmpty()) {
            throw new BadInputException(
                    "a conversation was to be rendered, and it has no messages. Give at least one.");
        }
        Map<String, @Nullable Object> all = new HashMap<>(variables);
        all.put("messages", messages.stream().map(ChatMessage::fields).toList());
        all.put("add_generation_prompt", addGenerationPrompt);
        return template.render(all, tracks);
    }

    /** Whether it says itself what the assistant writes, in {@code {% generation %}} blocks. */
    public boolean marksAnswers() {
        return template.generates();
    }

    /** The variables, without those of a call. Not to be changed. */
    Map<String, @Nullable Object> variables() {
        return Collections.unmodifiableMap(variables);
    }
}
