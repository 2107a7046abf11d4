package dev.peft4j.models.chat;

import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.model.Model;
import dev.peft4j.models.TextTokenizer;
import dev.peft4j.models.data.Labels;
import dev.peft4j.models.data.RecordEncoder;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Turns a prompt and an answer into tokens, labelled on the answer and the mark that ends it. Messages are rendered by the chat template; a prompt that is a text is
 * continued as a language model does.
 *
 * @param template of the model, or null for prompts that are texts
 * @param tokenizer of the model
 * @param maxLength longer sequences are cut to this many tokens
 */
record AnswerTokens(@Nullable ChatTemplate template, TextTokenizer tokenizer, int maxLength) {
    /** For what fits into the context of a model, with its template if there are messages: as {@link ChatEncoder#forModel}. */
    static AnswerTokens forModel(
            Model model, TextTokenizer tokenizer, boolean hasMessages, int rowsInFront, int maxLength)
            throws IOException {
        RecordEncoder fitting = RecordEncoder.forModel(model, tokenizer, Labels.none(), rowsInFront, maxLength);
        ChatTemplate template = hasMessages ? ChatTemplate.open(model.directory()) : null;
        return new AnswerTokens(template, tokenizer, fitting.maxLength());
    }

    /**
     * Prompt and answer, however long they are where they are messages.
     *
     * @param messages of the prompt; none if it is a text
     * @param prompt as a text
     * @param place for messages of errors
     */
    PackedBatch.Sequence of(List<ChatMessage> messages, String prompt, String answer, String place) {
        if (messages.isEmpty()) {
            TextTokenizer.Example e = tokenizer.encodeExample(prompt, answer, maxLength + 1);
            int[] labels = e.ids().clone();
            Arrays.fill(labels, 0, e.promptLength(), Targets.IGNORE);
            return PackedBatch.Sequence.labelled(e.ids(), labels);
        }
        if (template == null) {
            throw Chat.bad(
                    place,
                    "a prompt has messages, and the model has no chat template. Give the prompt as a text, or add"
                            + " chat_template to tokenizer_config.json.");
        }
        List<ChatMessage> all = new ArrayList<>(messages);
        all.add(ChatMessage.assistant(answer));
        PackedBatch.Sequence whole = new ChatEncoder(template, tokenizer, maxLength).encode(new Chat(all, place));
        return PackedBatch.Sequence.labelled(whole.ids(), ofLastAnswer(labels(whole)));
    }

    /** Answers of earlier turns belong to the prompt. */
    private static int[] ofLastAnswer(int[] labels) {
        int end = labels.length;
        while (end > 0 && labels[end - 1] == Targets.IGNORE) {
            end--;
        }
        int begin = end;
        while (begin > 0 && labels[begin - 1] != Targets.IGNORE) {
            begin--;
        }
        int[] last = labels.clone();
        Arrays.fill(last, 0, begin, Targets.IGNORE);
        return last;
    }

    private static int[] labels(PackedBatch.Sequence s) {
        return ((Targets.PerToken) s.targets()).labels();
    }

    /** Whether a token of the answer is predicted. */
    static boolean hasAnswer(PackedBatch.Sequence s) {
        return Arrays.stream(labels(s)).skip(1).anyMatch(label -> label != Targets.IGNORE);
    }

    boolean isTooLong(PackedBatch.Sequence s) {
        return s.length() > maxLength;
    }

    /** Its first tokens, as many as there may be. */
    PackedBatch.Sequence shortened(PackedBatch.Sequence s) {
        return shortened(s, maxLength);
    }

    static PackedBatch.Sequence shortened(PackedBatch.Sequence s, int most) {
        return s.length() > most
                ? PackedBatch.Sequence.labelled(Arrays.copyOf(s.ids(), most), Arrays.copyOf(labels(s), most))
                : s;
    }

    /** An error where nothing is left to train on. */
    BadInputException nothingLeft(int count, String what, String has) {
        return new BadInputException("none of " + count + " " + what + " has " + has + " within " + maxLength
                + " tokens. Shorten the prompts, or raise the greatest length.");
    }
}
