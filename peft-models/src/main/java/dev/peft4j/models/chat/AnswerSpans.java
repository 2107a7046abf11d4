package dev.peft4j.models.chat;

import dev.peft4j.models.jinja.Rendering;
import java.util.ArrayList;
import java.util.List;

/**
 * What the assistant writes of the text of a conversation. Where the template does not say so itself, it is found by rendering beginnings of the conversation:
 * an answer is what comes behind the text of all messages in front of it with the generation prompt, up to the end of what it renders to. So the mark that
 * ends a turn belongs to the answer, and a line break behind it, too, as in the templates that TRL trains with.
 */
final class AnswerSpans {
    private static final String END_TOKEN = "eos_token";
    private static final int MOST = 1000; // each is two renderings

    private AnswerSpans() {}

    /**
     * The places of answers, in the order of the text.
     *
     * @param whole the rendering of all messages, with what the template marks
     */
    static List<Rendering.Span> of(ChatTemplate template, Chat chat, Rendering whole) {
        if (template.marksAnswers()) {
            return whole.generated();
        }
        List<ChatMessage> messages = chat.messages();
        long count = messages.stream().filter(ChatMessage::isAnswer).count();
        if (count > MOST) {
            throw chat.bad("a conversation of " + count + " answers was given, and the places of at most " + MOST
                    + " are looked for where the chat template does not mark them. Cut it into several.");
        }
        List<Rendering.Span> answers = new ArrayList<>();
        for (int i = 0; i < messages.size(); i++) {
            if (messages.get(i).isAnswer()) {
                String asked = template.render(messages.subList(0, i), true);
                if (!whole.text().startsWith(asked)) {
                    throw changed(chat, i, "the text up to its generation prompt");
                }
                boolean isLast = i == messages.size() - 1;
                int end = isLast ? whole.text().length() : end(template, chat, i, whole.text());
                if (end < asked.length()) {
                    throw changed(chat, i, "the text of the answer");
                }
                String text = whole.text().substring(asked.length(), end);
                answers.add(new Rendering.Span(
                        asked.length(),
                        asked.length() + learnt(text, messages.get(i).content())));
            }
        }
        return answers;
    }

    /** How much of a turn is learnt: the answer and the mark that ends it, without the white space that the template puts behind the mark. */
    private static int learnt(String turn, String content) {
        String marked = turn.stripTrailing();
        return marked.endsWith(content.strip()) ? turn.length() : marked.length();
    }

    /** Where an answer ends within the whole. Some templates put the end token behind whatever comes last (Phi-3). */
    private static int end(ChatTemplate template, Chat chat, int message, String whole) {
        String answered = template.render(chat.messages().subList(0, message + 1), false);
        if (whole.startsWith(answered)) {
            return answered.length();
        }
        if (template.variables().get(END_TOKEN) instanceof String token && answered.endsWith(token)) {
            int end = answered.length() - token.length();
            if (whole.startsWith(answered.substring(0, end))) {
                return end;
            }
        }
        throw changed(chat, message, "the text up to the end of the answer");
    }

    private static RuntimeException changed(Chat chat, int message, String what) {
        return chat.bad(
                "message " + (message + 1) + " is an answer whose place in the text of the conversation was to be"
                        + " found, and " + what
                        + " is another when more messages follow: the chat template changes earlier turns."
                        + " Train on conversations of one answer, or give a template that marks answers ({% generation %}).");
    }
}
