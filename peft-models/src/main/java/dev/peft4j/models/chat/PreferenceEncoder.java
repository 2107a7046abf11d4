package dev.peft4j.models.chat;

import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.core.model.Model;
import dev.peft4j.models.TextTokenizer;
import dev.peft4j.models.data.RecordEncoder;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Turns preferences into pairs of labelled token sequences: the prompt with the chosen answer, and with the rejected one, each scored on the answer and the mark that
 * ends it. Messages are rendered by the chat template; a prompt that is a text is continued as a language model does.
 *
 * @param template of the model, or null for prompts that are texts
 * @param tokenizer of the model
 * @param maxLength longer sequences are cut to this many tokens
 */
public record PreferenceEncoder(@Nullable ChatTemplate template, TextTokenizer tokenizer, int maxLength) {
    /**
     * For what fits into the context of a model, with its template if preferences have messages.
     *
     * @param rowsInFront places of the context that adapters take
     * @param maxLength longer sequences are cut to this many tokens; 0 for as many as fit
     * @throws BadInputException if so many do not fit, or adapters leave no place
     * @throws IOException if the template is damaged, or there is none and messages need one
     */
    public static PreferenceEncoder forModel(
            Model model, TextTokenizer tokenizer, List<Preference> preferences, int rowsInFront, int maxLength)
            throws IOException {
        boolean hasMessages = preferences.stream().anyMatch(Preference::isChat);
        AnswerTokens tokens = AnswerTokens.forModel(model, tokenizer, hasMessages, rowsInFront, maxLength);
        return new PreferenceEncoder(tokens.template(), tokenizer, tokens.maxLength());
    }

    /**
     * Encodes preferences. Those of which nothing is left that one answer has and the other has not, when they are cut, are dropped and counted.
     *
     * @throws BadInputException with the place of a preference, if it has messages and there is no template, or the template refuses them; if both answers are the
     *     same tokens; if nothing is left to train on
     */
    public RecordEncoder.Encoded encode(List<Preference> preferences) {
        AnswerTokens tokens = new AnswerTokens(template, tokenizer, maxLength);
        List<Example> examples = new ArrayList<>();
        int cut = 0;
        int dropped = 0;
        for (Preference p : preferences) {
            StoppedException.ifInterrupted(() -> preferences.size() + " preferences were to be turned into tokens");
            PackedBatch.Sequence chosen = tokens.of(p.messages(), p.prompt(), p.chosen(), p.place());
            PackedBatch.Sequence rejected = tokens.of(p.messages(), p.prompt(), p.rejected(), p.place());
            boolean isCut = tokens.isTooLong(chosen) || tokens.isTooLong(rejected);
            cut += isCut ? 1 : 0;
            PackedBatch.Choice choice = new PackedBatch.Choice(tokens.shortened(chosen), tokens.shortened(rejected));
            boolean same =
                    Arrays.equals(choice.chosen().ids(), choice.rejected().ids());
            if (same && !isCut) {
                throw Chat.bad(
                        p.place(),
                        "the chosen and the rejected answer are the same " + chosen.length()
                                + " tokens, and one is to be better: what they differ by is lost in the template or the"
                                + " tokenizer. Leave the record out.");
            }
            if (!same && AnswerTokens.hasAnswer(choice.chosen()) && AnswerTokens.hasAnswer(choice.rejected())) {
                examples.add(choice);
            } else {
                dropped++;
            }
        }
        if (examples.isEmpty()) {
            throw tokens.nothingLeft(preferences.size(), "preferences", "both answers, and a difference between them,");
        }
        return new RecordEncoder.Encoded(examples, cut, dropped);
    }
}
