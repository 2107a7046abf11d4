package dev.peft4j.models.chat;

import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.RatedAnswer;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.core.model.Model;
import dev.peft4j.models.TextTokenizer;
import dev.peft4j.models.data.RecordEncoder;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * Turns rated answers into labelled token sequences, each scored on the answer and the mark that ends it. Messages are rendered by the chat template; a prompt that is a
 * text is continued as a language model does.
 *
 * @param template of the model, or null for prompts that are texts
 * @param tokenizer of the model
 * @param maxLength longer sequences are cut to this many tokens
 */
public record RatingEncoder(@Nullable ChatTemplate template, TextTokenizer tokenizer, int maxLength) {
    /**
     * For what fits into the context of a model, with its template if ratings have messages.
     *
     * @param rowsInFront places of the context that adapters take
     * @param maxLength longer sequences are cut to this many tokens; 0 for as many as fit
     * @throws BadInputException if so many do not fit, or adapters leave no place
     * @throws IOException if the template is damaged, or there is none and messages need one
     */
    public static RatingEncoder forModel(
            Model model, TextTokenizer tokenizer, List<Rating> ratings, int rowsInFront, int maxLength)
            throws IOException {
        boolean hasMessages = ratings.stream().anyMatch(Rating::isChat);
        AnswerTokens tokens = AnswerTokens.forModel(model, tokenizer, hasMessages, rowsInFront, maxLength);
        return new RatingEncoder(tokens.template(), tokenizer, tokens.maxLength());
    }

    /**
     * Encodes ratings, and mixes them, always in the same way: what stands beside each other in a file is often of one prompt, and is to be compared with others.
     *
     * @throws BadInputException with the place of a rating, if it has messages and there is no template, or the template refuses them; if nothing is left to train
     *     on
     */
    public RecordEncoder.Encoded encode(List<Rating> ratings) {
        AnswerTokens tokens = new AnswerTokens(template, tokenizer, maxLength);
        List<Example> examples = new ArrayList<>();
        int cut = 0;
        int dropped = 0;
        for (Rating r : ratings) {
            StoppedException.ifInterrupted(() -> ratings.size() + " ratings were to be turned into tokens");
            PackedBatch.Sequence whole = tokens.of(r.messages(), r.prompt(), r.completion(), r.place());
            PackedBatch.Sequence sequence = tokens.shortened(whole);
            cut += tokens.isTooLong(whole) ? 1 : 0;
            if (AnswerTokens.hasAnswer(sequence)) {
                examples.add(new RatedAnswer(sequence, r.isGood()));
            } else {
                dropped++;
            }
        }
        if (examples.isEmpty()) {
            throw tokens.nothingLeft(ratings.size(), "ratings", "an answer");
        }
        Collections.shuffle(examples, new Random(0));
        return new RecordEncoder.Encoded(examples, cut, dropped);
    }
}
