package dev.peft4j.models.chat;

import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.core.model.Model;
import dev.peft4j.models.TextTokenizer;
import dev.peft4j.models.data.Labels;
import dev.peft4j.models.data.RecordEncoder;
import dev.peft4j.models.jinja.Rendering;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Turns conversations into labelled token sequences, with the loss on what the assistant writes: its answers, each with the mark that ends it.
 *
 * <p>The ids are those of {@code apply_chat_template(tokenize=True)} of transformers: the special tokens are those that the template writes, none is added. With
 * {@code {% generation %}} blocks the labels are those of {@code return_assistant_tokens_mask=True}. Else answers are found by rendering the conversation up to
 * each of them; what the template writes for a turn is learnt up to the mark that ends it, such as {@code <|im_end|>}, without a line break behind that. A token that is in an answer
 * only in part is learnt.
 *
 * @param template of the model
 * @param tokenizer of the model
 * @param maxLength longer sequences are cut to this many tokens
 */
public record ChatEncoder(ChatTemplate template, TextTokenizer tokenizer, int maxLength) {
    /**
     * Checks the greatest length.
     *
     * @throws BadInputException if it is below 2, of which one token can be learnt
     */
    public ChatEncoder {
        if (maxLength < 2) {
            throw new BadInputException("a greatest length of " + maxLength
                    + " tokens was given, and a conversation has at least 2. Give more.");
        }
    }

    /**
     * For what fits into the context of a model.
     *
     * @param rowsInFront places of the context that adapters take
     * @param maxLength longer sequences are cut to this many tokens; 0 for as many as fit
     * @throws BadInputException if so many do not fit, or adapters leave no place
     */
    public static ChatEncoder forModel(
            Model model, ChatTemplate template, TextTokenizer tokenizer, int rowsInFront, int maxLength) {
        RecordEncoder fitting = RecordEncoder.forModel(model, tokenizer, Labels.none(), rowsInFront, maxLength);
        return new ChatEncoder(template, tokenizer, fitting.maxLength());
    }

    /**
     * Encodes conversations.
     *
     * @throws BadInputException with the place of a conversation, if the template refuses it or changes its earlier turns; if nothing is left to train on
     */
    public RecordEncoder.Encoded encode(List<Chat> chats) {
        List<Example> examples = new ArrayList<>();
        int cut = 0;
        int dropped = 0;
        for (Chat chat : chats) {
            StoppedException.ifInterrupted(() -> chats.size() + " conversations were to be turned into tokens");
            PackedBatch.Sequence whole = encode(chat);
            PackedBatch.Sequence sequence = AnswerTokens.shortened(whole, maxLength);
            cut += whole.length() > maxLength ? 1 : 0;
            if (!AnswerTokens.hasAnswer(sequence)) {
                dropped++;
            } else {
                examples.add(sequence);
            }
        }
        if (examples.isEmpty()) {
            throw new BadInputException(
                    "none of " + chats.size() + " conversations has a token to learn from within " + maxLength
                            + " tokens. Shorten what stands in front of the answers, or raise the greatest length.");
        }
        return new RecordEncoder.Encoded(examples, cut, dropped);
    }

    /**
     * Encodes one conversation, however long it is.
     *
     * @throws BadInputException with the place of the conversation, if the template refuses it or changes its earlier turns
     */
    public PackedBatch.Sequence encode(Chat chat) {
        try {
            Rendering whole = template.render(chat.messages(), false, template.marksAnswers());
            ChatTemplate.requireText(whole.text());
            TextTokenizer.Located tokens = tokenizer.locate(whole.text());
            return PackedBatch.Sequence.labelled(tokens.ids(), labels(tokens, AnswerSpans.of(template, chat, whole)));
        } catch (BadInputException e) {
            String message = String.valueOf(e.getMessage());
            throw message.startsWith(chat.place()) ? e : new BadInputException(chat.place() + ": " + message, e);
        }
    }

    /** Labels from the first to the last token that has a character of an answer. */
    private static int[] labels(TextTokenizer.Located tokens, List<Rendering.Span> answers) {
        int[] labels = new int[tokens.ids().length];
        Arrays.fill(labels, Targets.IGNORE);
        int first = 0; // of the answer, or of one that follows
        for (Rendering.Span answer : answers) {
            while (first < labels.length && tokens.ends()[first] <= answer.begin()) {
                first++;
            }
            int behind = first;
            for (int i = first; i < labels.length && tokens.begins()[i] < answer.end(); i++) {
                behind = tokens.ends()[i] > answer.begin() ? i + 1 : behind;
            }
            if (answer.begin() < answer.end()) {
                System.arraycopy(tokens.ids(), first, labels, first, behind - first);
            }
        }
        return labels;
    }
}
