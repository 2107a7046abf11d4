package dev.peft4j;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.models.GenerationConfig;
import dev.peft4j.models.chat.ChatMessage;
import dev.peft4j.models.chat.ChatTemplate;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;

/** Answers in conversations, which the chat template of the checkpoint renders. It holds nothing that has to be closed. */
public final class ChatGeneration {
    private final ChatTemplate template;
    private final Lender lender;

    /** Lends what generates for one answer. */
    interface Lender {
        String lend(Function<CallGeneration, String> use);
    }

    ChatGeneration(ChatTemplate template, Lender lender) {
        this.template = template;
        this.lender = lender;
    }

    /**
     * What the assistant says next.
     *
     * @throws BadInputException if there are no messages, or the template refuses them or makes no text of them
     */
    public String reply(List<ChatMessage> messages, GenerationConfig config) {
        return replyWhile(messages, config, text -> true);
    }

    /**
     * The same, told piece by piece.
     *
     * @param onText is given each piece; it ends the answer by returning false
     */
    public String replyWhile(List<ChatMessage> messages, GenerationConfig config, Predicate<String> onText) {
        if (messages.isEmpty()) {
            throw new BadInputException(
                    "an answer was asked for in a conversation without messages. Give at least one.");
        }
        String prompt = template.prompt(messages);
        return lender.lend(g -> g.generateWhile(
                g.tokenizer().encode(prompt, false), config, onText)); // the template writes all special tokens
    }
}
